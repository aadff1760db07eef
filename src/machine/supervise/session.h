#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "machine/wire/frame.h"

namespace bh::machine {

enum class Stream : std::uint8_t { Output, Error };

/// A command that runs in a machine, as its supervisor sees it: bytes in, bytes out, and a status.
/// Handlers are called from the supervisor's loop; a session may be destroyed in neither of them.
class Session {
 public:
  std::function<void(Stream, std::string_view)> on_output;
  /// The command's exit status; all output has been given before. Once.
  std::function<void(int status)> on_end;

  Session() = default;
  Session(Session const&) = delete;
  virtual ~Session() = default;

  virtual void input(std::string_view bytes) = 0;
  virtual void end_input() = 0;
  virtual void resize(wire::WindowSize size) = 0;
  virtual void signal(int number) = 0;
  /// Output waits at its source while `held`, and the command with it.
  virtual void hold_output(bool held) = 0;
  /// Whether so much input waits to be taken that more should be kept where it is.
  virtual bool input_is_full() const = 0;
};

}  // namespace bh::machine
