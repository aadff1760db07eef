#pragma once

#include <termios.h>

#include "machine/wire/frame.h"

namespace bh::machine {

/// Our terminal without line editing and signals, which are the machine's; as it was before when
/// this object ends. Nothing happens to what is no terminal.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  RawTerminal(RawTerminal const&) = delete;
  RawTerminal& operator=(RawTerminal const&) = delete;
  ~RawTerminal();

 private:
  int fd_;
  bool changed_ = false;
  termios before_{};
};

/// 0 x 0 of what is no terminal.
wire::WindowSize window_size(int fd);

}  // namespace bh::machine
