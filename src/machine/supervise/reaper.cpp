#include "machine/supervise/reaper.h"

#include <sys/wait.h>

#include <utility>

#include "os/spawn.h"

namespace bh::machine {

void Reaper::watch(pid_t pid, std::function<void(int)> handler) {
  handlers_[pid] = std::move(handler);
}

void Reaper::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    auto found = handlers_.extract(pid);
    if (!found.empty()) found.mapped()(os::exit_status_of(status));
  }
}

}  // namespace bh::machine
