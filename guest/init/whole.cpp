#include "init/whole.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "init/file.h"

namespace bh::init {

void adopt_descendants() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void end_descendants() {
  // Children of one that is killed are ours, and next.
  for (;;) {
    auto text = read_file("/proc/thread-self/children").value_or("");
    while (!text.empty()) {
      pid_t pid = 0;
      auto const* const end = text.data() + text.size();
      auto const read = std::from_chars(text.data(), end, pid);
      if (read.ec == std::errc() && pid > 1) ::kill(pid, SIGKILL);
      text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
    }
    if (::waitpid(-1, nullptr, 0) < 0 && errno != EINTR) return;
  }
}

}  // namespace bh::init
