#include "vmm/virtio/net/loopback_guard.h"

#include <array>
#include <cstdint>
#include <optional>

namespace bh::vmm::virtio {

namespace {

// IEEE 802.3 and RFC 791.
constexpr std::size_t kEthernet = 14;
constexpr std::size_t kSmallestHeader = 20;
constexpr unsigned kIpv4Type = 0x0800;
constexpr unsigned kFragment = 0x3fff;  // More fragments, or an offset.
enum Protocol : std::uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17 };

struct Packet {
  std::uint32_t destination = 0;
  std::uint8_t protocol = 0;
  bool fragment = false;
  // Of TCP and UDP, if the frame reaches so far.
  std::optional<unsigned> source_port;
  std::optional<unsigned> port;
  std::optional<unsigned> tcp_flags;
};

unsigned read16(std::span<std::byte const> bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]) << 8 | std::to_integer<unsigned>(bytes[at + 1]);
}

std::optional<Packet> parse(std::span<std::byte const> frame) {
  if (frame.size() < kEthernet + kSmallestHeader) return std::nullopt;
  if (read16(frame, 12) != kIpv4Type) return std::nullopt;
  auto const ip = frame.subspan(kEthernet);
  std::size_t const header = (std::to_integer<std::size_t>(ip[0]) & 15) * 4;
  Packet packet{.destination = read16(ip, 16) << 16 | read16(ip, 18),
                .protocol = std::to_integer<std::uint8_t>(ip[9]),
                .fragment = (read16(ip, 6) & kFragment) != 0,
                .source_port = {},
                .port = {},
                .tcp_flags = {}};
  if (header < kSmallestHeader || ip.size() < header + 4) return packet;
  packet.source_port = read16(ip, header);
  packet.port = read16(ip, header + 2);
  if (ip.size() > header + 13) packet.tcp_flags = std::to_integer<unsigned>(ip[header + 13]);
  return packet;
}

constexpr std::uint32_t kNetwork = 0x0a00'0200;
constexpr std::uint32_t kHost = kNetwork + 2;
constexpr std::uint32_t kNameServer = kNetwork + 3;
constexpr std::uint32_t kBroadcast = 0xffff'ffff;
constexpr unsigned kDnsPort = 53;
constexpr unsigned kDhcpPort = 67;
// RFC 9293, 3.1.
constexpr unsigned kSyn = 2;
constexpr unsigned kAck = 16;

}  // namespace

bool is_for_loopback(std::span<std::byte const> frame) {
  auto const packet = parse(frame);
  if (!packet) return false;
  auto const first = packet->destination >> 24;
  return first == 127 || first == 0;
}

bool may_reach_host_loopback(std::span<std::byte const> frame) {
  if (is_for_loopback(frame)) return true;
  auto const packet = parse(frame);
  if (!packet) return false;
  bool const near = (packet->destination & 0xffff'ff00) == kNetwork;
  if (!near && packet->destination != kBroadcast) return false;
  if (packet->fragment) return true;
  switch (packet->protocol) {
    // The network answers these itself.
    case kIcmp: return packet->destination != kHost && packet->destination != kNameServer;
    case kUdp:
      if (packet->port == kDhcpPort) return packet->destination != kHost && near;
      return packet->destination != kNameServer || packet->port != kDnsPort;
    case kTcp: return packet->destination != kNameServer || packet->port != kDnsPort;
    default: return true;
  }
}

bool answers_host(std::span<std::byte const> frame, std::uint64_t port) {
  auto const packet = parse(frame);
  if (!packet || packet->protocol != kTcp || packet->destination != kHost || packet->fragment) {
    return false;
  }
  return packet->source_port == port && packet->tcp_flags &&
         (*packet->tcp_flags & (kSyn | kAck)) != kSyn;
}

}  // namespace bh::vmm::virtio
