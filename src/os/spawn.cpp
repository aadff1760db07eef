#include "os/spawn.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "os/unique_fd.h"

namespace bh::os {

namespace {

/// In the child: only what is safe after fork(). Returns where it fails, with errno.
void become(Spawn const& what, char* const* words, pid_t parent) {
  if (what.dies_with_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have ended before.
    if (::getppid() != parent) ::_exit(1);
  }
  std::array sources{what.input, what.output, what.error};
  for (int& source : sources) {
    // Above those that they become, and all close on exec.
    source = source < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : source;
    source = ::fcntl(source, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (source < 0) return;
  }
  for (int target = 0; target <= STDERR_FILENO; ++target) {
    if (::dup2(sources[static_cast<std::size_t>(target)], target) < 0) return;
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &usual, nullptr);
  ::execv(words[0], words);
}

}  // namespace

Result<pid_t> spawn(Spawn const& what) {
  if (what.words.empty()) return fail(Errc::Invalid, "start a program: no name given");
  std::vector<char*> words;
  words.reserve(what.words.size() + 1);
  // execv() does not change them; its type is older than const.
  for (auto const& word : what.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  UniqueFd const read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  pid_t const parent = ::getpid();
  pid_t const pid = ::fork();
  if (pid < 0) return fail_errno("fork for " + what.words[0], errno);
  if (pid == 0) {
    // The report's own descriptor must not be among those that are replaced.
    int const report = ::fcntl(write_end.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    become(what, words.data(), parent);
    int const error = errno;
    [[maybe_unused]] auto const written = ::write(report, &error, sizeof error);
    ::_exit(1);
  }
  write_end.reset();
  int error = 0;
  ssize_t count = 0;
  do {
    count = ::read(read_end.get(), &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count == 0) return pid;
  auto const reaped = wait_for(pid);
  if (!reaped) return std::unexpected(reaped.error());
  return fail_errno("start " + what.words[0], error);
}

Result<int> wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("waitpid", errno);
  }
  return exit_status_of(status);
}

int exit_status_of(int wait_status) {
  constexpr int kKilled = 128;
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : kKilled + WTERMSIG(wait_status);
}

}  // namespace bh::os
