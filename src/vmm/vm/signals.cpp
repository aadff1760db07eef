#include "vmm/vm/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "vmm/vm/exit_code.h"
#include "vmm/vm/terminal.h"

namespace bh::vmm {

namespace {

struct FatalSignal {
  int number;
  int exit_code;
  std::string_view words;
};

constexpr std::array<FatalSignal, 6> kFatalSignals{{
    {SIGSYS, kExitBadSystemCall, "bulkhead-vmm: run: system call that is not allowed (SIGSYS)\n"},
    {SIGBUS, kExitBusError, "bulkhead-vmm: run: memory could not be provided (SIGBUS)\n"},
    {SIGSEGV, kExitSegmentationFault, "bulkhead-vmm: run: segmentation fault (SIGSEGV)\n"},
    {SIGXFSZ, kExitFileSizeLimit, "bulkhead-vmm: run: file size limit reached (SIGXFSZ)\n"},
    {SIGXCPU, kExitCpuTimeLimit, "bulkhead-vmm: run: CPU time limit reached (SIGXCPU)\n"},
    {SIGILL, kExitIllegalInstruction, "bulkhead-vmm: run: illegal instruction (SIGILL)\n"},
}};

void on_fatal_signal(int number) {
  restore_terminal_in_emergency();
  for (auto const& fatal : kFatalSignals) {
    if (fatal.number != number) continue;
    // There is nobody left to tell if this fails.
    [[maybe_unused]] ssize_t const count =
        ::write(STDERR_FILENO, fatal.words.data(), fatal.words.size());
    ::_exit(fatal.exit_code);
  }
}

}  // namespace

Result<TerminationSignals> TerminationSignals::create() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int const number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::sigaddset(&signals, number);
  if (int const error = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    return fail_errno("pthread_sigmask", error);
  }
  os::UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return fail_errno("signalfd", errno);
  return TerminationSignals(std::move(fd));
}

std::optional<int> TerminationSignals::take() const {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void handle_fatal_signals() {
  struct sigaction action{};
  action.sa_handler = on_fatal_signal;
  action.sa_flags = SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  for (auto const& fatal : kFatalSignals) ::sigaction(fatal.number, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace bh::vmm
