#include "vmm/vm/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace bh::vmm {

namespace {

// Global because handlers of fatal signals have no other way to find them.
constexpr int kNoTerminal = -1;
std::atomic<int> raw_fd = kNoTerminal;
termios saved_mode;

}  // namespace

bool RawTerminal::is_ours(int fd) {
  return ::isatty(fd) == 1 && ::tcgetpgrp(fd) == ::getpgrp();
}

Result<RawTerminal> RawTerminal::enter(int fd) {
  if (::tcgetattr(fd, &saved_mode) != 0) return fail_errno("tcgetattr", errno);
  termios raw = saved_mode;
  ::cfmakeraw(&raw);
  // Our own messages on this terminal still need their carriage returns.
  raw.c_oflag |= OPOST;
  raw_fd.store(fd);
  if (::tcsetattr(fd, TCSANOW, &raw) != 0) {
    raw_fd.store(kNoTerminal);
    return fail_errno("tcsetattr", errno);
  }
  return RawTerminal(fd);
}

RawTerminal::~RawTerminal() {
  if (fd_ >= 0) restore_terminal_in_emergency();
}

void restore_terminal_in_emergency() {
  int const fd = raw_fd.exchange(kNoTerminal);
  if (fd != kNoTerminal) ::tcsetattr(fd, TCSANOW, &saved_mode);
}

}  // namespace bh::vmm
