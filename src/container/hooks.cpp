#include "container/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "jail/process.h"
#include "os/unique_fd.h"

namespace bh::container {

namespace {

std::vector<char*> pointers(std::vector<std::string> const& words) {
  std::vector<char*> out;
  // execve() does not change them; its type is older than const.
  for (auto const& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void become_hook(Hook const& hook, int input) {
  ::dup2(input, STDIN_FILENO);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  auto arguments = hook.arguments;
  if (arguments.empty()) arguments.push_back(hook.path);
  auto const words = pointers(arguments);
  auto const environment = pointers(hook.environment);
  ::execve(hook.path.c_str(), words.data(), environment.data());
  ::_exit(errno == ENOENT ? 127 : 126);
}

Result<> run_hook(Hook const& hook, std::string_view state) {
  // A file and not a pipe: a hook that does not read its input cannot make us wait.
  os::UniqueFd const input(::memfd_create("state", MFD_CLOEXEC));
  if (!input.valid() ||
      ::pwrite(input.get(), state.data(), state.size(), 0) != static_cast<ssize_t>(state.size())) {
    return fail_errno("write the state for the hook", errno);
  }
  auto process = BH_TRY(jail::Process::clone({}));
  if (process.in_child()) become_hook(hook, input.get());
  pollfd end{.fd = process.handle(), .events = POLLIN, .revents = 0};
  int const limit = hook.timeout ? *hook.timeout * 1000 : -1;
  int ready = 0;
  do {
    ready = ::poll(&end, 1, limit);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    return fail(Errc::Timeout, "took longer than " + std::to_string(*hook.timeout) + " seconds");
  }
  int const status = BH_TRY(process.wait());
  if (status == 0) return {};
  int const code = jail::exit_status(status);
  if (code == 127) return fail(Errc::NotFound, "no such file or directory");
  return fail(Errc::Io, WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status))
                                            : "exit status " + std::to_string(code));
}

}  // namespace

Result<> run_hooks(std::string_view kind, std::vector<Hook> const& hooks, std::string_view state) {
  for (auto const& hook : hooks) {
    auto done = run_hook(hook, state);
    if (!done) {
      return std::unexpected(
          std::move(done).error().while_doing(std::string(kind) + " hook " + hook.path));
    }
  }
  return {};
}

}  // namespace bh::container
