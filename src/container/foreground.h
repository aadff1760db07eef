#pragma once

#include <cstdint>

#include "base/error.h"
#include "jail/cgroup/cgroup.h"
#include "jail/process.h"
#include "os/unique_fd.h"

namespace bh::container {

/// Blocks the signals that are passed on later; call it before there is a process to pass them to.
void block_signals();

/// Takes note of the OOM killer's work while the group is there: that of systemd goes with the last
/// process, and with it what the kernel has counted.
class OomWatch {
 public:
  explicit OomWatch(jail::Cgroup const& group) : group_(group), events_(group.oom_events()) {}

  int fd() const { return events_.get(); }
  /// Asks the kernel again, and returns the most it has ever said.
  std::uint64_t kills();

 private:
  jail::Cgroup const& group_;
  os::UniqueFd events_;
  std::uint64_t most_ = 0;
};

/// Waits for the process, passes signals on to it, and with a valid `console` carries what is typed
/// and printed between it and our own terminal. Returns the exit status, or 128 and the signal.
/// `oom` may be null. If `whole` is not, signals that ask to end kill it, its session
/// and all of that group, which may have no folders, instead.
Result<int> wait_in_foreground(jail::Process& process, os::UniqueFd console, OomWatch* oom,
                               jail::Cgroup const* whole = nullptr);

}  // namespace bh::container
