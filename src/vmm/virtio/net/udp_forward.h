#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/api/device_config.h"
#include "vmm/virtio/net/layout.h"

namespace bh::vmm::virtio {

/// A UDP port of the host that leads to one of the guest's, and answers back to who asked. The
/// library of user networks has this only with the host's loopback open to the guest.
///
/// Each client is 10.0.2.2 at a port of its own to the guest, which can send to no other.
class UdpForward {
 public:
  /// Clients that may get an answer; the one that asked longest ago is forgotten for a new one.
  static constexpr std::size_t kMaxClients = 256;

  static Result<UdpForward> open(PortForwardConfig const& config);

  /// Readable when there is something to receive.
  int fd() const { return socket_.get(); }
  /// The next datagram, as a frame for the guest; empty when there is none.
  std::vector<std::byte> receive(MacAddress const& guest);
  /// Sends what the guest's frame carries if it answers one of our clients; else false.
  bool answer(std::span<std::byte const> frame);

 private:
  struct Client {
    std::uint32_t address;
    std::uint16_t port;
    std::uint16_t alias;
    friend bool operator==(Client const&, Client const&) = default;
  };

  UdpForward(os::UniqueFd socket, std::uint16_t guest_port)
      : socket_(std::move(socket)), guest_port_(guest_port) {}

  std::uint16_t alias_of(std::uint32_t address, std::uint16_t port);

  os::UniqueFd socket_;
  std::uint16_t guest_port_;
  std::uint16_t next_alias_ = 0;
  std::deque<Client> clients_;  // The one heard from last is the last.
};

}  // namespace bh::vmm::virtio
