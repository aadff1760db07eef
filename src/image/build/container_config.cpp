#include "image/build/container_config.h"

#include <unistd.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace bh::image::build {

namespace {

// What Docker lets containers do, and so what Dockerfiles rely on.
constexpr std::array kCapabilities{
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE",
};
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

boost::json::object mount_of(ContainerMount const& mount) {
  return mount_of(mount.target.c_str(), mount.type.c_str(), json_of(mount.options),
                  mount.source.c_str());
}

boost::json::array mounts(ContainerConfig const& config) {
  boost::json::array mounts{
      mount_of("/proc", "proc", {"nosuid", "noexec", "nodev"}),
      mount_of("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount_of("/dev/pts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666"}),
      mount_of("/dev/shm", "tmpfs", {"nosuid", "noexec", "nodev", "mode=1777"}),
      mount_of("/sys", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
  };
  for (auto const* const file : kHostFiles) {
    bool const wanted = config.host_network && ::access(file, R_OK) == 0;
    if (wanted) mounts.push_back(mount_of(file, "bind", {"bind", "ro"}, file));
  }
  for (auto const& mount : config.mounts) mounts.push_back(mount_of(mount));
  return mounts;
}

// What config.json counts CPU time in: 100 ms.
constexpr std::uint64_t kCpuPeriod = 100'000;

boost::json::array namespaces(ContainerConfig const& config) {
  boost::json::array namespaces;
  for (auto const* const kind : {"pid", "ipc", "uts", "mount"}) {
    namespaces.push_back(boost::json::object{{"type", kind}});
  }
  if (config.host_network) return namespaces;
  boost::json::object network{{"type", "network"}};
  if (!config.network_namespace.empty()) network["path"] = config.network_namespace;
  namespaces.push_back(std::move(network));
  return namespaces;
}

boost::json::object resources(ContainerConfig const& config) {
  boost::json::object resources;
  if (config.memory) resources["memory"] = {{"limit", *config.memory}};
  if (config.cpus) {
    resources["cpu"] = {{"quota", *config.cpus * kCpuPeriod}, {"period", kCpuPeriod}};
  }
  return resources;
}

}  // namespace

std::string config_json(ContainerConfig const& config) {
  boost::json::object capabilities;
  for (auto const* const set : {"bounding", "effective", "permitted"}) {
    capabilities[set] = json_of(kCapabilities);
  }
  boost::json::object process{
      {"terminal", config.terminal},
      {"user", {{"uid", config.user.uid}, {"gid", config.user.gid}}},
      {"args", json_of(config.words)},
      {"env", json_of(config.environment)},
      {"cwd", config.working_folder},
      {"capabilities", std::move(capabilities)},
  };
  boost::json::object json{
      {"ociVersion", "1.0.2"},
      {"process", std::move(process)},
      {"root", {{"path", config.root}, {"readonly", config.read_only}}},
      {"hostname", config.host_name},
      {"mounts", mounts(config)},
      {"linux",
       {{"namespaces", namespaces(config)},
        {"resources", resources(config)},
        {"maskedPaths", {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"}},
        {"readonlyPaths",
         {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}}}},
  };
  if (!config.cgroup.empty()) json["linux"].as_object()["cgroupsPath"] = config.cgroup;
  return boost::json::serialize(json);
}

}  // namespace bh::image::build
