#include "image/build/run_step.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "image/build/root_path.h"
#include "image/build/user.h"
#include "os/child.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

// What Docker lets containers do, and so what Dockerfiles rely on.
constexpr std::array kCapabilities{
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE",
};
// The host's, for names and for the network that is the host's.
constexpr std::array kHostFiles{"/etc/resolv.conf", "/etc/hosts"};

boost::json::array json_of(auto const& texts) {
  boost::json::array array;
  for (auto const& text : texts) array.push_back(boost::json::value(text));
  return array;
}

boost::json::object mount_of(char const* where, char const* type, boost::json::array options,
                             char const* source = nullptr) {
  return {{"destination", where},
          {"type", type},
          {"source", source == nullptr ? type : source},
          {"options", std::move(options)}};
}

boost::json::array mounts() {
  boost::json::array mounts{
      mount_of("/proc", "proc", {"nosuid", "noexec", "nodev"}),
      mount_of("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount_of("/dev/pts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666"}),
      mount_of("/dev/shm", "tmpfs", {"nosuid", "noexec", "nodev", "mode=1777"}),
      mount_of("/sys", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
  };
  for (auto const* const file : kHostFiles) {
    if (::access(file, R_OK) == 0) mounts.push_back(mount_of(file, "bind", {"bind", "ro"}, file));
  }
  return mounts;
}

std::string config_of(Overlay const& overlay, RunRequest const& request, User const& user) {
  boost::json::object capabilities;
  for (auto const* const set : {"bounding", "effective", "permitted"}) {
    capabilities[set] = json_of(kCapabilities);
  }
  boost::json::object process{
      {"user", {{"uid", user.uid}, {"gid", user.gid}}},
      {"args", json_of(request.words)},
      {"env", json_of(request.environment)},
      {"cwd", request.working_folder.empty() ? "/" : request.working_folder},
      {"capabilities", std::move(capabilities)},
  };
  boost::json::array namespaces;
  for (auto const* const kind : {"pid", "ipc", "uts", "mount"}) {
    namespaces.push_back(boost::json::object{{"type", kind}});
  }
  boost::json::object const config{
      {"ociVersion", "1.0.2"},
      {"process", std::move(process)},
      {"root", {{"path", overlay.root()}, {"readonly", false}}},
      {"hostname", "build"},
      {"mounts", mounts()},
      {"linux",
       {{"namespaces", std::move(namespaces)},
        {"maskedPaths", {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"}},
        {"readonlyPaths",
         {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}}}},
  };
  return boost::json::serialize(config);
}

/// Files that the container's mounts had to stand on, and that the image did not have.
void remove_mount_points(Overlay const& overlay) {
  for (auto const* const file : kHostFiles) {
    auto const path = overlay.upper() + file;
    struct stat info{};
    if (::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0) {
      ::unlink((overlay.root() + file).c_str());
    }
  }
}

}  // namespace

Result<> run_in(Overlay const& overlay, RunRequest const& request) {
  auto const root = BH_TRY(os::open_at(AT_FDCWD, overlay.root(), O_PATH | O_DIRECTORY));
  auto const user = BH_TRY(find_user(root.get(), request.user.empty() ? "0" : request.user));
  BH_TRY(os::replace_text_at(AT_FDCWD, overlay.folder() + "/config.json",
                             config_of(overlay, request, user)));
  auto child = BH_TRY(
      os::Child::start({request.runtime, "--root", overlay.folder() + "/state", "run", "--bundle",
                        overlay.folder(), "build-" + std::to_string(::getpid())}));
  int const status = BH_TRY(child.wait());
  remove_mount_points(overlay);
  if (status == 0) return {};
  return fail(Errc::Invalid, "the command ended with status " + std::to_string(status));
}

}  // namespace bh::image::build
