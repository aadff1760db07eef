#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "machine/supervise/out_queue.h"
#include "machine/supervise/reaper.h"
#include "machine/supervise/session.h"
#include "os/event_loop.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// A command that a program on the host runs for us: bulkhead-oci, which passes signals on and
/// ends with its status. Its output comes through pipes, or through a terminal whose other end the
/// program sends to a socket of ours.
class ProgramSession final : public Session {
 public:
  struct Options {
    std::vector<std::string> words;
    bool input = false;  // Else it reads /dev/null.
    /// Listens; the program connects to it. Not valid: no terminal.
    os::UniqueFd console_socket;
  };

  /// Loop and reaper outlive it.
  static Result<std::unique_ptr<ProgramSession>> start(Options options, os::EventLoop& loop,
                                                       Reaper& reaper);
  /// Lets go: the program goes on, with its terminal hung up.
  ~ProgramSession() override;

  /// The program has ended; what it ran may still have its output open.
  std::function<void()> on_exit;

  void input(std::string_view bytes) override;
  void end_input() override;
  void resize(wire::WindowSize size) override;
  void signal(int number) override;
  void hold_output(bool held) override;
  bool input_is_full() const override;

 private:
  ProgramSession(os::EventLoop& loop, Reaper& reaper) : loop_(loop), reaper_(reaper) {}

  void watch_output(os::UniqueFd& fd, Stream stream);
  void read_from(os::UniqueFd& fd, Stream stream);
  void write_input();
  void take_console();
  void end_if_over();
  void end_when_silent();

  os::EventLoop& loop_;
  Reaper& reaper_;
  pid_t pid_ = -1;
  std::optional<int> status_;
  os::EventLoop::Timer silence_ = 0;
  bool ended_ = false;
  bool held_ = false;
  bool input_ends_ = false;
  os::UniqueFd console_socket_;
  os::UniqueFd terminal_;
  os::UniqueFd input_;
  os::UniqueFd output_;
  os::UniqueFd error_;
  OutQueue to_input_;
  std::string early_;  // Input that waits for the terminal.
  std::optional<wire::WindowSize> size_;
};

}  // namespace bh::machine
