#pragma once

#include "base/error.h"

namespace bh::vmm {

/// A terminal in raw mode, for the guest to do the line editing; back in its old mode when this
/// object ends. At most one at a time in a process.
class RawTerminal {
 public:
  /// True if `fd` is a terminal whose foreground job we are: another job's must be left alone.
  static bool is_ours(int fd);
  static Result<RawTerminal> enter(int fd);

  RawTerminal(RawTerminal&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  RawTerminal& operator=(RawTerminal&&) = delete;
  ~RawTerminal();

 private:
  explicit RawTerminal(int fd) : fd_(fd) {}

  int fd_;
};

/// For handlers of fatal signals: puts the terminal back if one is raw. Async-signal-safe.
void restore_terminal_in_emergency();

}  // namespace bh::vmm
