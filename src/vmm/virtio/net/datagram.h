#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vmm/virtio/net/layout.h"

namespace bh::vmm::virtio {

/// A UDP datagram in IPv4 (RFC 768, RFC 791) in an Ethernet frame. Addresses and ports are in host
/// order.
struct Datagram {
  /// What fits a frame of 1500 bytes. Longer ones would have to be taken apart.
  static constexpr std::size_t kMaxPayload = 1472;

  MacAddress source_mac{};
  MacAddress destination_mac{};
  std::uint32_t source = 0;
  std::uint32_t destination = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::span<std::byte const> payload;
};

/// What the frame carries; nothing if it is something else, or a part of a datagram.
std::optional<Datagram> parse_datagram(std::span<std::byte const> frame);

/// `payload` has at most kMaxPayload bytes.
std::vector<std::byte> make_frame(Datagram const& datagram);

}  // namespace bh::vmm::virtio
