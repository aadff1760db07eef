#pragma once

#include <sys/types.h>

#include <functional>
#include <map>

namespace bh::machine {

/// Waits for processes of ours, and for those nobody else waits for.
class Reaper {
 public:
  /// `handler` gets the exit status, or 128 + the signal.
  void watch(pid_t pid, std::function<void(int status)> handler);
  void forget(pid_t pid) { handlers_.erase(pid); }

  /// After SIGCHLD.
  void reap();

 private:
  std::map<pid_t, std::function<void(int)>> handlers_;
};

}  // namespace bh::machine
