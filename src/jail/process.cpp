#include "jail/process.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace bh::jail {

Result<Process> Process::clone(CloneOptions const& options) {
  int handle = -1;
  clone_args arguments{};
  arguments.flags = options.flags | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&handle);
  // With CLONE_PARENT the signal is the one of our own parent's choice.
  arguments.exit_signal = (options.flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  if (options.cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(options.cgroup);
  }
  long const pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return fail_errno("clone3", errno);
  return Process(static_cast<pid_t>(pid), pid == 0 ? -1 : handle);
}

Result<Process> Process::adopt(pid_t pid) {
  int const handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) return fail_errno("pidfd_open " + std::to_string(pid), errno);
  return Process(pid, handle);
}

Process::~Process() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

Result<> Process::signal(int number) const {
  if (::kill(pid_, number) != 0) return fail_errno("kill " + std::to_string(pid_), errno);
  return {};
}

Result<int> Process::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, __WALL) < 0) {
    if (errno != EINTR) return fail_errno("waitpid", errno);
  }
  pid_ = 0;
  return status;
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace bh::jail
