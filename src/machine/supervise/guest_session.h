#pragma once

#include <memory>
#include <optional>
#include <string>

#include "machine/supervise/out_queue.h"
#include "machine/supervise/session.h"
#include "os/event_loop.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// A command that bulkhead-init runs in a microVM, at the other end of a stream of frames. What
/// comes from there is the guest's word: it is bounded, and says nothing about anything else.
class GuestSession final : public Session {
 public:
  /// What is said before connect() waits for that. The loop outlives it.
  explicit GuestSession(os::EventLoop& loop) : loop_(loop) {}
  ~GuestSession() override;

  /// `socket` does not block. `greeting` is what the VMM shall be told, and has answered with a
  /// line, before; empty: the guest has connected to us.
  void connect(os::UniqueFd socket, std::string_view greeting);
  bool connected() const { return socket_.valid() || ended_; }
  /// Once, before anything else, if the guest does not know what to run.
  void request(std::string_view payload) { send(wire::encode(wire::FrameType::Request, payload)); }

  void input(std::string_view bytes) override;
  void end_input() override;
  void resize(wire::WindowSize size) override;
  void signal(int number) override;
  void hold_output(bool held) override;
  bool input_is_full() const override;

  /// The guest has said how the command ended.
  std::optional<int> status() const { return status_; }
  bool ended() const { return ended_; }
  /// Ends it in the guest's place: the machine is gone.
  void close();

 private:
  void send(std::string_view frame);
  void update();
  void receive();
  bool take_answer();
  void handle(wire::Frame const& frame);
  void end();

  os::EventLoop& loop_;
  os::UniqueFd socket_;
  wire::FrameReader frames_;
  OutQueue queue_;
  std::string early_;
  bool answered_ = true;
  std::string answer_;
  bool held_ = false;
  bool ended_ = false;
  std::optional<int> status_;
};

}  // namespace bh::machine
