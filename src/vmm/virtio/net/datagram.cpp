#include "vmm/virtio/net/datagram.h"

#include <algorithm>

namespace bh::vmm::virtio {

namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kUdpHeader = 8;
constexpr std::uint16_t kIpv4Type = 0x0800;
constexpr std::uint8_t kVersionAndLength = 0x45;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kTimeToLive = 64;
constexpr unsigned kFragment = 0x3fff;  // More fragments, or an offset.

unsigned read16(std::span<std::byte const> bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]) << 8 | std::to_integer<unsigned>(bytes[at + 1]);
}

std::uint32_t read32(std::span<std::byte const> bytes, std::size_t at) {
  return read16(bytes, at) << 16 | read16(bytes, at + 2);
}

void write16(std::span<std::byte> bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<std::byte>(value >> 8 & 255);
  bytes[at + 1] = static_cast<std::byte>(value & 255);
}

void write32(std::span<std::byte> bytes, std::size_t at, std::uint32_t value) {
  write16(bytes, at, value >> 16);
  write16(bytes, at + 2, value & 0xffff);
}

/// RFC 1071.
unsigned checksum(std::span<std::byte const> bytes) {
  unsigned sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += read16(bytes, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

MacAddress mac_at(std::span<std::byte const> frame, std::size_t at) {
  MacAddress mac{};
  std::ranges::transform(frame.subspan(at, mac.size()), mac.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  return mac;
}

}  // namespace

std::optional<Datagram> parse_datagram(std::span<std::byte const> frame) {
  if (frame.size() < kEthernet + kIpHeader || read16(frame, 12) != kIpv4Type) return std::nullopt;
  auto ip = frame.subspan(kEthernet);
  auto const first = std::to_integer<std::size_t>(ip[0]);
  std::size_t const header = (first & 15) * 4;
  std::size_t const length = read16(ip, 2);
  if (first >> 4 != 4 || header < kIpHeader || length > ip.size() || length < header + kUdpHeader) {
    return std::nullopt;
  }
  if (std::to_integer<std::uint8_t>(ip[9]) != kUdp || (read16(ip, 6) & kFragment) != 0) {
    return std::nullopt;
  }
  auto const udp = ip.subspan(header, length - header);
  std::size_t const udp_length = read16(udp, 4);
  if (udp_length < kUdpHeader || udp_length > udp.size()) return std::nullopt;
  return Datagram{.source_mac = mac_at(frame, 6),
                  .destination_mac = mac_at(frame, 0),
                  .source = read32(ip, 12),
                  .destination = read32(ip, 16),
                  .source_port = static_cast<std::uint16_t>(read16(udp, 0)),
                  .destination_port = static_cast<std::uint16_t>(read16(udp, 2)),
                  .payload = udp.subspan(kUdpHeader, udp_length - kUdpHeader)};
}

std::vector<std::byte> make_frame(Datagram const& datagram) {
  std::vector<std::byte> bytes(kEthernet + kIpHeader + kUdpHeader + datagram.payload.size());
  std::span<std::byte> const frame(bytes);
  auto const to_byte = [](std::uint8_t value) { return std::byte{value}; };
  std::ranges::transform(datagram.destination_mac, frame.begin(), to_byte);
  std::ranges::transform(datagram.source_mac, frame.begin() + 6, to_byte);
  write16(frame, 12, kIpv4Type);
  auto const ip = frame.subspan(kEthernet);
  ip[0] = std::byte{kVersionAndLength};
  write16(ip, 2, ip.size());
  ip[8] = std::byte{kTimeToLive};
  ip[9] = std::byte{kUdp};
  write32(ip, 12, datagram.source);
  write32(ip, 16, datagram.destination);
  write16(ip, 10, checksum(ip.first(kIpHeader)));
  auto const udp = ip.subspan(kIpHeader);
  write16(udp, 0, datagram.source_port);
  write16(udp, 2, datagram.destination_port);
  write16(udp, 4, udp.size());
  // No checksum of the datagram: the frame crosses memory, not a wire.
  std::ranges::copy(datagram.payload, udp.begin() + kUdpHeader);
  return bytes;
}

}  // namespace bh::vmm::virtio
