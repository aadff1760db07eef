#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "container/launch/group_path.h"
#include "container/launch/launch.h"
#include "os/file.h"

namespace bh::container {

namespace {

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
  return ::geteuid() == 0 && launch.privileged && !launch.mapped;
}

jail::Cgroup::Missing when_denied(Launch const& launch) {
  return has_root(launch) ? jail::Cgroup::Missing::Fail : jail::Cgroup::Missing::Skip;
}

}  // namespace

Result<> apply_limits(Launch& launch) {
  auto const& wanted = launch.spec.os.resources;
  if (has_root(launch)) return launch.cgroup->apply(with_default_devices(wanted));
  if (launch.cgroup->folders().empty() && asks_for_limits(wanted)) {
    return fail(Errc::Denied,
                "linux.resources: no control group can be made here without root; delegate one, "
                "or ask for no limits");
  }
  auto resources = wanted;
  resources.devices.clear();
  return launch.cgroup->apply(resources);
}

namespace {

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
  BH_TRY(launch.cgroup->add(*hierarchy, launch.group_path, when_denied(launch)));
  auto const* const unified = launch.cgroup->unified();
  if (unified == nullptr) return {};
  launch.cgroup_unified = BH_TRY(os::open_file(unified->path, O_PATH | O_DIRECTORY));
  return {};
}

Result<> make_legacy_groups(Launch& launch) {
  if (!launch.hierarchies.has_legacy()) return {};
  for (auto const& hierarchy : launch.hierarchies.all) {
    if (hierarchy.unified || !is_wanted(launch, hierarchy)) continue;
    BH_TRY(launch.cgroup->add(hierarchy, launch.group_path, when_denied(launch)));
  }
  BH_TRY(apply_limits(launch));
  launch.cgroup_entrances = BH_TRY(launch.cgroup->entrances());
  return {};
}

void forget_groups(Launch& launch) {
  if (!launch.cgroup) return;
  (void)launch.cgroup->kill_all();
  (void)launch.cgroup->remove();
}

std::string shown_path(Launch const& launch) {
  auto const& wanted = launch.spec.os.cgroups_path;
  return wanted.empty() ? "/" + launch.options.id : wanted;
}

}  // namespace

void plan_groups(Launch& launch, Plan& plan) {
  if (launch.options.cgroups == CgroupManager::Disabled) return;
  if (launch.options.cgroups == CgroupManager::Systemd) return plan_systemd(launch, plan);
  auto const path = shown_path(launch);
  plan.add(
      Phase::Prepare, "make the control group " + path,
      [&launch]() -> Result<> {
        launch.group_path = BH_TRY(group_path(launch.spec.os.cgroups_path, launch.options.id));
        return make_unified_group(launch);
      },
      [&launch] { forget_groups(launch); });
  plan.add(Phase::Prepare, "set the limits of cgroup v2 for " + path, [&launch]() -> Result<> {
    if (launch.hierarchies.has_legacy()) return {};
    return apply_limits(launch);
  });
  plan.add(Phase::Confine, "make the groups of cgroup v1 and set their limits for " + path,
           [&launch] { return make_legacy_groups(launch); });
}

}  // namespace bh::container
