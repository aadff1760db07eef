#include "container/foreground.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace bh::container {

namespace {

sigset_t passed_signals() {
  sigset_t signals;
  ::sigfillset(&signals);
  // These are about ourselves.
  for (int const own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPIPE}) {
    ::sigdelset(&signals, own);
  }
  return signals;
}

bool asks_to_end(int number) {
  return number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT;
}

/// Our terminal, without line editing and signals: those are the container's terminal's.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    changed_ = true;
    termios raw = before_;
    ::cfmakeraw(&raw);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  RawTerminal(RawTerminal const&) = delete;
  RawTerminal& operator=(RawTerminal const&) = delete;
  ~RawTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

 private:
  termios before_{};
  bool changed_ = false;
};

void copy_size(int console) {
  winsize size{};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0) {
    ::ioctl(console, TIOCSWINSZ, &size);
  }
}

/// False at the end of `from`.
bool carry(int from, int to) {
  char buffer[4096];
  ssize_t const size = ::read(from, buffer, sizeof buffer);
  if (size <= 0) return false;
  for (ssize_t done = 0; done < size;) {
    ssize_t const count = ::write(to, buffer + done, static_cast<std::size_t>(size - done));
    if (count <= 0) return false;
    done += count;
  }
  return true;
}

}  // namespace

void block_signals() {
  sigset_t const signals = passed_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
}

std::uint64_t OomWatch::kills() {
  most_ = std::max(most_, group_.oom_kills());
  return most_;
}

Result<int> wait_in_foreground(jail::Process& process, os::UniqueFd console, OomWatch* oom,
                               jail::Cgroup const* whole) {
  sigset_t const signals = passed_signals();
  os::UniqueFd const source(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!source.valid()) return fail_errno("signalfd", errno);
  std::optional<RawTerminal> raw;
  if (console.valid()) {
    raw.emplace();
    copy_size(console.get());
  }
  int input = console.valid() ? STDIN_FILENO : -1;
  int oom_events = oom != nullptr ? oom->fd() : -1;
  while (true) {
    pollfd events[] = {{.fd = process.handle(), .events = POLLIN, .revents = 0},
                       {.fd = source.get(), .events = POLLIN, .revents = 0},
                       {.fd = console.get(), .events = POLLIN, .revents = 0},
                       {.fd = input, .events = POLLIN, .revents = 0},
                       {.fd = oom_events, .events = POLLPRI, .revents = 0}};
    if (::poll(events, std::size(events), -1) < 0 && errno != EINTR) {
      return fail_errno("poll", errno);
    }
    if (events[4].revents != 0) {
      (void)oom->kills();
      // The file goes with the group, and would then be ready for ever.
      char first = 0;
      if (::pread(oom_events, &first, 1, 0) != 1) oom_events = -1;
    }
    signalfd_siginfo signal{};
    while (::read(source.get(), &signal, sizeof signal) == sizeof signal) {
      int const number = static_cast<int>(signal.ssi_signo);
      if (number == SIGWINCH && console.valid()) copy_size(console.get());
      if (whole != nullptr && asks_to_end(number)) {
        (void)whole->kill_all();
        // The session that it leads, also where there are no groups.
        ::kill(-process.pid(), SIGKILL);
        (void)process.signal(SIGKILL);
      } else if (number != SIGCHLD) {
        (void)process.signal(number);
      }
    }
    if (events[2].revents != 0 && !carry(console.get(), STDOUT_FILENO)) console.reset();
    // What is still in the terminal comes before the end.
    if (events[0].revents != 0 && (events[2].revents == 0 || !console.valid())) break;
    if (events[3].revents != 0 && !carry(STDIN_FILENO, console.get())) input = -1;
  }
  int const status = BH_TRY(process.wait());
  return jail::exit_status(status);
}

}  // namespace bh::container
