#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bh::vmm::mmds {

using Mac = std::array<std::uint8_t, 6>;
using Ipv4 = std::array<std::uint8_t, 4>;

/// Offsets in a frame: Ethernet (IEEE 802.3), then ARP (RFC 826) or IPv4 (RFC 791).
inline constexpr std::size_t kEthernetSize = 14;
inline constexpr std::uint16_t kArpType = 0x0806;
inline constexpr std::uint16_t kIpv4Type = 0x0800;

enum TcpFlags : std::uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16 };

/// A TCP segment (RFC 9293) in its frame. `data` lies in the frame.
struct Segment {
  Mac source_mac{};
  Ipv4 source{};
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledged = 0;
  std::uint8_t flags = 0;
  std::uint32_t window = 0;
  std::optional<std::uint16_t> max_segment;
  std::span<std::byte const> data;
};

/// Our end of the wire.
struct Address {
  Mac mac{};
  Ipv4 ip{};
};

/// Whether the start of a frame is ARP for, or IPv4 to, this address.
bool is_for(std::span<std::byte const> start, Ipv4 const& ip);

/// The answer to an ARP request for our address; nothing if it is something else.
std::optional<std::vector<std::byte>> answer_arp(std::span<std::byte const> frame,
                                                 Address const& us);
/// The segment of an IPv4 frame without fragments; checksums are not looked at, since the driver
/// leaves them to us.
std::optional<Segment> parse_segment(std::span<std::byte const> frame);

/// A frame from us to `peer` with these fields, with checksums.
struct Reply {
  std::uint32_t sequence = 0;
  std::uint32_t acknowledged = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::span<std::byte const> data;
};
std::vector<std::byte> make_frame(Address const& us, Segment const& peer, Reply const& reply);

}  // namespace bh::vmm::mmds
