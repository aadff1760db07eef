#include "os/child.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

extern char** environ;

namespace bh::os {

namespace {

sigset_t signals_of_interest() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int const number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD}) {
    ::sigaddset(&signals, number);
  }
  return signals;
}

int status_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace

Result<Child> Child::start(std::vector<std::string> const& arguments) {
  if (arguments.empty()) return fail(Errc::Invalid, "start a program: no name given");
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  // posix_spawn() does not change them; its type is older than const.
  for (auto const& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);

  sigset_t const interest = signals_of_interest();
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, &interest, &mask);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  ::posix_spawnattr_setsigmask(&attributes, &mask);
  pid_t pid = kNone;
  int const error = ::posix_spawn(&pid, words[0], nullptr, &attributes, words.data(), ::environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    return fail_errno("start " + arguments[0], error);
  }
  return Child(pid, mask);
}

Child::~Child() {
  if (pid_ == kNone) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
}

Result<int> Child::wait() {
  sigset_t const interest = signals_of_interest();
  while (true) {
    int status = 0;
    pid_t const ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) return fail_errno("waitpid", errno);
    if (ended == pid_) {
      pid_ = kNone;
      ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
      return status_of(status);
    }
    int const signal = ::sigwaitinfo(&interest, nullptr);
    if (signal > 0 && signal != SIGCHLD) ::kill(pid_, signal);
  }
}

}  // namespace bh::os
