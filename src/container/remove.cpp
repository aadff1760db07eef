#include "container/remove.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "container/hooks.h"
#include "container/launch/group_path.h"
#include "container/spec/spec.h"
#include "jail/systemd/systemd.h"

namespace bh::container {

namespace {

constexpr int kEndMilliseconds = 10'000;

bool lives(jail::ProcDir const& proc, State const& state) {
  auto const times = process_times(proc, state.pid);
  return times && !times->zombie && times->start_time == state.start_time;
}

}  // namespace

Result<> wait_for_end(jail::ProcDir const& proc, State const& state) {
  os::UniqueFd const handle(static_cast<int>(::syscall(SYS_pidfd_open, state.pid, 0)));
  if (!handle.valid() || !lives(proc, state)) return {};
  pollfd end{.fd = handle.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&end, 1, kEndMilliseconds);
  } while (ready < 0 && errno == EINTR);
  if (ready > 0) return {};
  return fail(Errc::Timeout, "process " + std::to_string(state.pid) +
                                 " has not ended within 10 seconds of SIGKILL");
}

Result<> remove_container(jail::ProcDir const& proc, Store const& store,
                          ContainerFolder const& folder, State const& state) {
  auto const group = jail::Cgroup::existing(state.cgroup);
  // Processes that were started beside the first one may outlive it.
  (void)group.kill_all();
  if (lives(proc, state)) {
    ::kill(state.pid, SIGKILL);
    BH_TRY(wait_for_end(proc, state));
  }
  BH_TRY(group.remove());
  if (!state.unit.empty()) {
    // It may be gone already, as a scope goes with its last process.
    auto manager = jail::Systemd::connect();
    if (manager) (void)manager->stop(state.unit);
  }
  auto const config = folder.config();
  auto const spec = config ? parse_spec(*config) : fail(Errc::NotFound, "");
  BH_TRY(store.remove(state.id));
  if (!spec) return {};
  for (auto const& hook : spec->hooks.poststop) {
    auto done = run_hooks("poststop", {hook}, state_json(state, Status::Stopped));
    if (done) continue;
    std::string const words = "bulkhead-oci: " + done.error().message + "\n";
    if (::write(STDERR_FILENO, words.data(), words.size()) < 0) break;
  }
  return {};
}

Result<> remove_half_made(jail::ProcDir const& proc, Store const& store,
                          ContainerFolder const& folder) {
  auto const config = folder.config();
  auto const spec = config ? parse_spec(*config) : fail(Errc::NotFound, "");
  auto const path =
      spec ? group_path(spec->os.cgroups_path, folder.id()) : fail(Errc::NotFound, "");
  if (path) {
    auto const mounts = BH_TRY(proc.read("self/mountinfo"));
    auto const own = BH_TRY(proc.read("self/cgroup"));
    auto group = jail::Cgroup::none();
    for (auto const& hierarchy : jail::parse_hierarchies(mounts, own).all) {
      group.found(hierarchy, *path);
    }
    (void)group.kill_all();
    BH_TRY(group.remove());
  } else if (spec) {
    auto const unit = jail::systemd_unit(spec->os.cgroups_path, folder.id());
    auto manager = jail::Systemd::connect();
    if (unit && manager) (void)manager->stop(unit->name);
  }
  return store.remove(folder.id());
}

}  // namespace bh::container
