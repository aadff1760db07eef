#include "container/launch/launch.h"
#include "jail/systemd/unit.h"

namespace bh::container {

namespace {

/// The driver leaves the tree to systemd: only cgroup v2 is made for that.
Result<> connect(Launch& launch) {
  BH_TRY(jail::systemd_unit(launch.spec.os.cgroups_path, launch.options.id));
  auto const mounts = BH_TRY(launch.proc.read("self/mountinfo"));
  auto const own = BH_TRY(launch.proc.read("self/cgroup"));
  launch.hierarchies = jail::parse_hierarchies(mounts, own);
  if (launch.hierarchies.unified() == nullptr || launch.hierarchies.legacy("memory") != nullptr) {
    return fail(Errc::Unsupported,
                "the systemd driver needs cgroup v2 alone; use --cgroup-manager cgroupfs");
  }
  launch.systemd = BH_TRY(jail::Systemd::connect());
  launch.cgroup.emplace(jail::Cgroup::none());
  return {};
}

Result<> start_unit(Launch& launch) {
  auto const unit = BH_TRY(jail::systemd_unit(launch.spec.os.cgroups_path, launch.options.id));
  auto const& limits = launch.spec.os.resources;
  BH_TRY(launch.systemd->start(unit, launch.state.pid, limits));
  launch.state.unit = unit.name;
  // Where systemd has put it depends on slices; the process itself knows.
  auto const mounts = BH_TRY(launch.proc.read("self/mountinfo"));
  auto const theirs = BH_TRY(launch.proc.read(std::to_string(launch.state.pid) + "/cgroup"));
  auto const placed = jail::parse_hierarchies(mounts, theirs);
  if (auto const* const tree = placed.unified()) launch.cgroup->found(*tree, tree->own_path);
  auto const* const folder = launch.cgroup->unified();
  if (folder == nullptr || !folder->path.ends_with(unit.name)) {
    return fail(Errc::Io, "systemd has not put the process into " + unit.name);
  }
  // What systemd has no property for, such as devices; the rest is set to what it is already.
  return apply_limits(launch);
}

void forget_unit(Launch& launch) {
  // Another container may have a unit of that name.
  if (launch.state.unit.empty()) return;
  (void)launch.cgroup->kill_all();
  (void)launch.cgroup->remove();
  (void)launch.systemd->stop(launch.state.unit);
}

}  // namespace

void plan_systemd(Launch& launch, Plan& plan) {
  auto const& path = launch.spec.os.cgroups_path;
  std::string const shown = path.empty() ? launch.options.id : path;
  plan.add(
      Phase::Prepare, "connect to systemd for " + shown, [&launch] { return connect(launch); },
      [&launch] { forget_unit(launch); });
  plan.add(Phase::Confine, "have systemd make the scope of " + shown,
           [&launch] { return start_unit(launch); });
}

}  // namespace bh::container
