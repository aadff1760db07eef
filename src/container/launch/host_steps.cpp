#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "container/launch/channel.h"
#include "container/launch/launch.h"
#include "container/launch/mount_tree.h"
#include "jail/capabilities.h"
#include "os/file.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

constexpr std::size_t kProcLimit = std::size_t{1024} * 1024;

/// Relative paths are below the mount points too: the caller's own group may have limits that are
/// none of the container's, and with cgroup v2 it cannot have groups below it.
std::string cgroup_path(Launch const& launch) {
  auto const& wanted = launch.spec.os.cgroups_path;
  std::string const path = jail::relative_path(wanted.empty() ? launch.options.id : wanted);
  return "/" + path;
}

Result<> check_cgroup_path(Launch const& launch) {
  std::string const path = cgroup_path(launch);
  if (path == "/" || path.find("/../") != path.npos || path.ends_with("/..")) {
    return fail(Errc::Invalid,
                "linux.cgroupsPath: \"" + launch.spec.os.cgroups_path + "\" names no group");
  }
  if (path.find(':') != path.npos) {
    return fail(Errc::Unsupported,
                "linux.cgroupsPath: \"" + launch.spec.os.cgroups_path +
                    "\" is for systemd, whose driver is not supported; give a path");
  }
  return {};
}

bool asks_for_limits(jail::Resources const& resources) {
  auto const settings = jail::settings_v1(resources);
  if (!settings || !resources.unified.empty()) return true;
  // Without root nobody can give devices anyway.
  return std::ranges::any_of(*settings,
                             [](auto const& one) { return one.controller != "devices"; });
}

/// Nothing but what config.json allows and what every container has.
jail::Resources with_default_devices(jail::Resources resources) {
  using jail::DeviceRule;
  resources.devices.insert(resources.devices.begin(), DeviceRule{.allow = false});
  auto const allow = [&](std::int64_t major, std::optional<std::int64_t> minor,
                         char const* access) {
    resources.devices.push_back(
        DeviceRule{.allow = true, .type = 'c', .major = major, .minor = minor, .access = access});
  };
  // What every container has (config-linux.md, "Default Devices"): mknod for all, use of these.
  resources.devices.push_back(
      DeviceRule{.allow = true, .type = 'c', .major = {}, .minor = {}, .access = "m"});
  resources.devices.push_back(
      DeviceRule{.allow = true, .type = 'b', .major = {}, .minor = {}, .access = "m"});
  for (std::int64_t const minor : {3, 5, 7, 8, 9}) allow(1, minor, "rwm");
  for (std::int64_t const minor : {0, 1, 2}) allow(5, minor, "rwm");
  allow(136, {}, "rwm");
  return resources;
}

bool has_root(Launch const& launch) {
  return ::geteuid() == 0 && launch.privileged;
}

jail::Cgroup::Missing when_denied(Launch const& launch) {
  return has_root(launch) ? jail::Cgroup::Missing::Fail : jail::Cgroup::Missing::Skip;
}

Result<> apply_limits(Launch& launch) {
  auto const& wanted = launch.spec.os.resources;
  if (has_root(launch)) return launch.cgroup->apply(with_default_devices(wanted));
  if (launch.cgroup->folders().empty() && asks_for_limits(wanted)) {
    return fail(Errc::Denied,
                "linux.resources: no control group can be made here without root; delegate one");
  }
  auto resources = wanted;
  resources.devices.clear();
  return launch.cgroup->apply(resources);
}

/// Whether a v1 tree is used. With a path of its own choice, an engine looks for its container in
/// all of them; else only those count that limit or measure.
bool is_wanted(Launch const& launch, jail::CgroupHierarchy const& hierarchy) {
  if (!launch.spec.os.cgroups_path.empty()) return true;
  auto const& cpu = launch.spec.os.resources.cpu;
  if (hierarchy.has("cpuset")) return cpu.cpus || cpu.mems;
  if (hierarchy.has("freezer")) return launch.hierarchies.unified() == nullptr;
  return !std::ranges::all_of(hierarchy.controllers,
                              [](auto const& name) { return name.starts_with("name="); });
}

/// cgroup v2 comes before the process, which starts in it: moving there later would wait for every
/// CPU of the host.
Result<> make_unified_group(Launch& launch) {
  auto const mounts = BH_TRY(launch.proc.read("self/mountinfo"));
  auto const own = BH_TRY(launch.proc.read("self/cgroup"));
  launch.hierarchies = jail::parse_hierarchies(mounts, own);
  launch.cgroup.emplace(jail::Cgroup::none());
  auto const* const hierarchy = launch.hierarchies.unified();
  if (hierarchy == nullptr) return {};
  BH_TRY(launch.cgroup->add(*hierarchy, cgroup_path(launch), when_denied(launch)));
  auto const* const unified = launch.cgroup->unified();
  if (unified == nullptr) return {};
  launch.cgroup_unified = BH_TRY(os::open_file(unified->path, O_PATH | O_DIRECTORY));
  if (launch.hierarchies.has_legacy()) return {};
  return apply_limits(launch);
}

Result<> make_legacy_groups(Launch& launch) {
  if (!launch.hierarchies.has_legacy()) return {};
  for (auto const& hierarchy : launch.hierarchies.all) {
    if (hierarchy.unified || !is_wanted(launch, hierarchy)) continue;
    BH_TRY(launch.cgroup->add(hierarchy, cgroup_path(launch), when_denied(launch)));
  }
  BH_TRY(apply_limits(launch));
  launch.cgroup_entrances = BH_TRY(launch.cgroup->entrances());
  return {};
}

Result<> make_folder(Launch& launch) {
  auto folder = BH_TRY(launch.store->create(launch.options.id));
  launch.folder.emplace(std::move(folder));
  return launch.folder->write_config(launch.config);
}

std::string host_path(Launch const& launch, std::string const& path) {
  return path.starts_with('/') ? path : launch.options.bundle + "/" + path;
}

Result<> open_root(Launch& launch) {
  launch.state.rootfs = host_path(launch, launch.spec.root_path);
  struct stat status{};
  if (::stat(launch.state.rootfs.c_str(), &status) != 0) {
    return fail_errno("stat " + launch.state.rootfs, errno);
  }
  if (!S_ISDIR(status.st_mode)) return fail(Errc::Invalid, launch.state.rootfs + " is no folder");
  if (!launch.privileged) return {};
  launch.root_tree = BH_TRY(clone_root(launch));
  return {};
}

void plan_namespaces(Launch& launch, Plan& plan) {
  // In the order of joining, not of config.json.
  for (auto const& kind : jail::namespace_kinds()) {
    auto const* const wanted = launch.spec.os.find(kind.flag);
    if (wanted == nullptr || wanted->path.empty()) continue;
    plan.add(Phase::Prepare, "open the " + std::string(kind.type) + " namespace " + wanted->path,
             [&launch, wanted]() -> Result<> {
               auto joined = BH_TRY(jail::open_namespace(wanted->flag, wanted->path));
               launch.joined.push_back(std::move(joined));
               return {};
             });
  }
}

void plan_sockets(Launch& launch, Plan& plan) {
  if (launch.spec.os.seccomp) {
    plan.add(Phase::Prepare, "compile the seccomp filter", [&launch]() -> Result<> {
      auto filter = BH_TRY(jail::SeccompFilter::compile(*launch.spec.os.seccomp));
      launch.seccomp.emplace(std::move(filter));
      if (!launch.seccomp->notifies()) return {};
      launch.seccomp_listener = BH_TRY(connect_to(launch.spec.os.seccomp->listener_path));
      return {};
    });
  }
  if (!launch.options.console_socket.empty()) {
    plan.add(Phase::Prepare, "connect to the console socket " + launch.options.console_socket,
             [&launch]() -> Result<> {
               launch.console_socket = BH_TRY(connect_to(launch.options.console_socket));
               return {};
             });
  }
}

}  // namespace

void plan_host(Launch& launch, Plan& plan) {
  plan.add(Phase::Prepare, "open the root " + launch.spec.root_path,
           [&launch] { return open_root(launch); });
  for (std::size_t i = 0; i < launch.spec.mounts.size(); ++i) {
    auto const& mount = launch.spec.mounts[i];
    launch.mounts.emplace_back();
    // Without rights on the host the new process does it, in a namespace where it has them.
    if (mount.options.bind == jail::Bind::No || mount.options.remount) continue;
    plan.add(launch.privileged ? Phase::Prepare : Phase::Populate,
             "open " + mount.source + " for " + mount.destination,
             [&launch, i] { return open_bind_source(launch, i); });
  }
  plan_namespaces(launch, plan);
  plan_sockets(launch, plan);
  plan.add(
      Phase::Prepare, "make the container's folder", [&launch] { return make_folder(launch); },
      [&launch] { (void)launch.store->remove(launch.options.id); });
  if (launch.options.cgroups == CgroupManager::Disabled) return;
  plan.add(
      Phase::Prepare, "make the control group " + cgroup_path(launch),
      [&launch]() -> Result<> {
        BH_TRY(check_cgroup_path(launch));
        launch.group_path = cgroup_path(launch);
        return make_unified_group(launch);
      },
      [&launch] {
        (void)launch.cgroup->kill_all();
        (void)launch.cgroup->remove();
      });
  plan.add(Phase::Confine, "set the limits of the control group " + cgroup_path(launch),
           [&launch] { return make_legacy_groups(launch); });
}

Plan make_plan(Launch& launch) {
  launch.privileged = jail::has_capability(CAP_SYS_ADMIN);
  Plan plan;
  plan_host(launch, plan);
  plan_namespaces_inside(launch, plan);
  plan_mounts(launch, plan);
  plan_devices(launch, plan);
  plan_entry(launch, plan);
  return plan;
}

}  // namespace bh::container
