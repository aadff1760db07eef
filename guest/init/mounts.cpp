#include "init/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "init/folders.h"
#include "init/mount_line.h"
#include "init/report.h"

namespace bh::init {

namespace {

using Text = std::array<char, PATH_MAX>;

bool copy_text(std::string_view text, Text& out) {
  if (text.size() >= out.size()) return false;
  std::ranges::copy(text, out.begin());
  out[text.size()] = '\0';
  return true;
}

/// `name` is in the folder `secrets`, which is in memory and has no path any more.
bool mount_secret(int secrets, char const* name, char const* path) {
  constexpr unsigned long kFlags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  int const place = ::open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
  bool const mounted = place >= 0 && ::fchdir(secrets) == 0 &&
                       ::mount(name, path, nullptr, MS_BIND, nullptr) == 0 &&
                       ::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | kFlags, nullptr) == 0;
  if (!mounted) report_errno("mount a secret at", path, errno);
  if (place >= 0) ::close(place);
  return ::chdir("/") == 0 && mounted;
}

bool mount_line(std::string_view text, int secrets) {
  MountLine line;
  Text type{};
  Text source{};
  Text options{};
  Text path{};
  if (!parse_mount_line(text, line) || !copy_text(line.type, type) ||
      !copy_text(line.source, source) || !copy_text(line.options, options) ||
      !copy_text(line.path, path)) {
    report("mount", "its setting is none");
    return false;
  }
  if (line.type == "secret") {
    make_folders(line.path.substr(0, line.path.rfind('/')));
    return mount_secret(secrets, source.data(), path.data());
  }
  make_folders(line.path);
  unsigned long flags = MS_NODEV;
  if (line.read_only) flags |= MS_RDONLY;
  if (line.type == "tmpfs") flags |= MS_NOSUID | MS_NOEXEC;
  if (::mount(source.data(), path.data(), type.data(), flags, options.data()) == 0) return true;
  report_errno("mount at", line.path, errno);
  return false;
}

}  // namespace

int open_secrets() {
  return ::open("/.bulkhead/secrets", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool mount_more(Settings const& settings, int secrets) {
  bool mounted = true;
  settings.each("mount",
                [&](std::string_view line) { mounted = mounted && mount_line(line, secrets); });
  return mounted;
}

bool protect_root(Settings const& settings) {
  if (!settings.find("readonly")) return true;
  // The command starts there, and nobody can make it later.
  make_folders(settings.find("folder").value_or("/"));
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0) return true;
  report_errno("make read only", "the root", errno);
  return false;
}

}  // namespace bh::init
