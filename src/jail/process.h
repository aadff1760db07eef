#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <utility>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// What a new process is given.
struct CloneOptions {
  std::uint64_t flags = 0;  // CLONE_NEW..., CLONE_PARENT.
  int cgroup = -1;          // A folder of cgroup v2 to start in, or -1.
};

/// A copy of this process. The runtime has one thread, so the copy may do all that it could.
class Process {
 public:
  /// Returns in both processes.
  static Result<Process> clone(CloneOptions const& options);

  /// A child that another process made for us (CLONE_PARENT).
  static Result<Process> adopt(pid_t pid);

  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), handle_(std::move(other.handle_)) {}
  Process& operator=(Process&&) = delete;
  /// Kills and reaps a child that was neither waited for nor let go.
  ~Process();

  bool in_child() const { return pid_ == 0; }
  pid_t pid() const { return pid_; }
  /// Readable once the process has ended.
  int handle() const { return handle_.get(); }

  Result<> signal(int number) const;
  /// The status of wait(2).
  Result<int> wait();
  /// The process stays when this object goes. Returns its id.
  pid_t let_go() { return std::exchange(pid_, 0); }

 private:
  Process(pid_t pid, int handle) : pid_(pid), handle_(handle) {}

  pid_t pid_;  // 0 in the child, and when there is nothing to reap.
  os::UniqueFd handle_;
};

/// What a shell says of the status of wait(2): the exit status, or 128 and the signal.
int exit_status(int wait_status);

}  // namespace bh::jail
