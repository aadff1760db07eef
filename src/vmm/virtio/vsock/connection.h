#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "os/unique_fd.h"
#include "vmm/virtio/chain.h"
#include "vmm/virtio/vsock/packet.h"

namespace bh::vmm::virtio {

/// One stream between a Unix socket of the host and a port of the guest: its flow control and its
/// way to the end. Knows no queues; the device carries its packets.
class VsockConnection {
 public:
  /// What the guest may send before we have passed it on.
  static constexpr std::uint32_t kBufferSize = 256 * 1024;
  /// How long the other side may take to answer a request or a shutdown.
  static constexpr std::chrono::milliseconds kPatience{2000};

  using Time = std::chrono::steady_clock::time_point;
  enum class State : std::uint8_t {
    Requested,  // By the host; the guest has not answered.
    Established,
    Closing,  // A shutdown of both directions was sent; the guest has not answered.
  };

  VsockConnection(VsockPorts ports, os::UniqueFd socket, State state, Time now)
      : ports_(ports), socket_(std::move(socket)), state_(state), since_(now) {}

  VsockPorts ports() const { return ports_; }
  int socket() const { return socket_.get(); }
  State state() const { return state_; }
  void establish() { state_ = State::Established; }
  void close(Time now) {
    state_ = State::Closing;
    since_ = now;
  }
  /// Too long in a state in which the guest has to answer.
  bool overdue(Time now) const { return state_ != State::Established && now - since_ > kPatience; }

  // To the guest.

  /// What its header says of the guest's buffer.
  void take_credit(VsockHeader const& header);
  /// Bytes the guest has room for.
  std::uint32_t credit() const;
  bool wants_to_read() const { return state_ == State::Established && readable_ && credit() != 0; }
  bool reading() const { return readable_; }
  void stop_reading() { readable_ = false; }
  struct Received {
    std::uint32_t bytes = 0;
    bool end = false;      // The host's side sends no more, or is gone.
    bool hung_up = false;  // It does not receive either.
  };
  /// Reads from the socket into guest memory, as much as fits and the guest has credit for.
  Received receive(std::span<Segment const> into);

  // From the guest.

  /// Queues data for the socket; false if the guest sent more than it may.
  bool queue(ChainReader& data, std::uint32_t length);
  /// Text of ours, before any data of the guest.
  bool write_text(std::string_view text);
  /// Writes what the socket takes; false if it is broken.
  bool flush();
  bool wants_to_write() const { return !unsent_.empty(); }
  /// The guest sends no more: told to the socket once all is written.
  void finish_sending() { finishing_ = true; }
  bool guest_sends_no_more() const { return finishing_; }

  /// Our buffer and how much of it was passed on, for each header we send.
  void describe(VsockHeader& header);
  /// Enough was passed on since the last header to tell the guest.
  bool should_update_credit() const { return forwarded_ - told_forwarded_ >= kBufferSize / 4; }
  bool credit_requested = false;

 private:
  VsockPorts ports_;
  os::UniqueFd socket_;
  State state_;
  Time since_;
  bool readable_ = true;
  bool finishing_ = false;
  bool shut_ = false;
  std::vector<std::byte> unsent_;
  std::size_t unsent_start_ = 0;
  std::uint32_t forwarded_ = 0;
  std::uint32_t told_forwarded_ = 0;
  std::uint32_t sent_to_guest_ = 0;
  std::uint32_t guest_buffer_ = 0;
  std::uint32_t guest_forwarded_ = 0;
};

}  // namespace bh::vmm::virtio
