#include "vmm/mmds/frames.h"

#include <algorithm>
#include <utility>

namespace bh::vmm::mmds {

namespace {

constexpr std::size_t kIpv4Size = 20;
constexpr std::size_t kTcpSize = 20;
constexpr std::size_t kArpSize = 28;
constexpr std::uint8_t kTcpProtocol = 6;
constexpr std::uint16_t kMaxSegment = 1460;

std::uint8_t get8(std::span<std::byte const> bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}
std::uint16_t get16(std::span<std::byte const> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(get8(bytes, at) << 8 | get8(bytes, at + 1));
}
std::uint32_t get32(std::span<std::byte const> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(get16(bytes, at)) << 16 | get16(bytes, at + 2);
}
template <std::size_t kSize>
std::array<std::uint8_t, kSize> get_array(std::span<std::byte const> bytes, std::size_t at) {
  std::array<std::uint8_t, kSize> array;
  for (std::size_t i = 0; i < kSize; ++i) array[i] = get8(bytes, at + i);
  return array;
}

/// Writes fields one after the other, in network order.
class Writer {
 public:
  explicit Writer(std::size_t size) { bytes.reserve(size); }
  Writer& put8(unsigned value) {
    bytes.push_back(static_cast<std::byte>(value));
    return *this;
  }
  Writer& put16(unsigned value) { return put8(value >> 8 & 0xff).put8(value & 0xff); }
  Writer& put32(std::uint32_t value) { return put16(value >> 16).put16(value & 0xffff); }
  template <std::size_t kSize>
  Writer& put(std::array<std::uint8_t, kSize> const& array) {
    for (auto const byte : array) put8(byte);
    return *this;
  }
  std::vector<std::byte> bytes;
};

/// RFC 1071: the sum before its complement.
std::uint32_t sum(std::span<std::byte const> bytes, std::uint32_t total = 0) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) total += get16(bytes, i);
  if (bytes.size() % 2 != 0)
    total += static_cast<std::uint32_t>(get8(bytes, bytes.size() - 1)) << 8;
  return total;
}

void store_checksum(std::vector<std::byte>& frame, std::size_t at, std::uint32_t total) {
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  auto const value = static_cast<std::uint16_t>(~total);
  frame[at] = static_cast<std::byte>(value >> 8);
  frame[at + 1] = static_cast<std::byte>(value & 0xff);
}

/// The MSS option of a header, RFC 9293, 3.2.
std::optional<std::uint16_t> max_segment(std::span<std::byte const> options) {
  while (!options.empty()) {
    auto const kind = get8(options, 0);
    if (kind == 0) break;
    if (kind == 1) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) break;
    std::size_t const size = get8(options, 1);
    if (size < 2 || size > options.size()) break;
    if (kind == 2 && size == 4) return get16(options, 2);
    options = options.subspan(size);
  }
  return std::nullopt;
}

}  // namespace

bool is_for(std::span<std::byte const> start, Ipv4 const& ip) {
  if (start.size() < kEthernetSize + kArpSize) return false;
  auto const type = get16(start, 12);
  if (type == kArpType) return get_array<4>(start, kEthernetSize + 24) == ip;
  return type == kIpv4Type && get_array<4>(start, kEthernetSize + 16) == ip;
}

std::optional<std::vector<std::byte>> answer_arp(std::span<std::byte const> frame,
                                                 Address const& us) {
  if (frame.size() < kEthernetSize + kArpSize || get16(frame, 12) != kArpType) return std::nullopt;
  auto const arp = frame.subspan(kEthernetSize, kArpSize);
  // Ethernet and IPv4, and a request.
  bool const request = get16(arp, 0) == 1 && get16(arp, 2) == kIpv4Type && get8(arp, 4) == 6 &&
                       get8(arp, 5) == 4 && get16(arp, 6) == 1;
  if (!request || get_array<4>(arp, 24) != us.ip) return std::nullopt;
  auto const peer = get_array<6>(arp, 8);
  Writer writer(kEthernetSize + kArpSize);
  writer.put(peer).put(us.mac).put16(kArpType);
  writer.put16(1).put16(kIpv4Type).put8(6).put8(4).put16(2);
  writer.put(us.mac).put(us.ip).put(peer).put(get_array<4>(arp, 14));
  return std::move(writer.bytes);
}

std::optional<Segment> parse_segment(std::span<std::byte const> frame) {
  if (frame.size() < kEthernetSize + kIpv4Size || get16(frame, 12) != kIpv4Type)
    return std::nullopt;
  auto ip = frame.subspan(kEthernetSize);
  std::size_t const header = (get8(ip, 0) & 15U) * 4U;
  std::size_t const total = get16(ip, 2);
  bool const fragment = (get16(ip, 6) & 0x3fff) != 0;
  if (get8(ip, 0) >> 4 != 4 || header < kIpv4Size || total < header + kTcpSize ||
      total > ip.size() || fragment || get8(ip, 9) != kTcpProtocol) {
    return std::nullopt;
  }
  auto const tcp = ip.subspan(header, total - header);
  std::size_t const offset = (get8(tcp, 12) >> 4) * 4U;
  if (offset < kTcpSize || offset > tcp.size()) return std::nullopt;
  return Segment{.source_mac = get_array<6>(frame, 6),
                 .source = get_array<4>(ip, 12),
                 .source_port = get16(tcp, 0),
                 .destination_port = get16(tcp, 2),
                 .sequence = get32(tcp, 4),
                 .acknowledged = get32(tcp, 8),
                 .flags = get8(tcp, 13),
                 .window = get16(tcp, 14),
                 .max_segment = max_segment(tcp.subspan(kTcpSize, offset - kTcpSize)),
                 .data = tcp.subspan(offset)};
}

std::vector<std::byte> make_frame(Address const& us, Segment const& peer, Reply const& reply) {
  bool const option = (reply.flags & kSyn) != 0;
  std::size_t const tcp_size = kTcpSize + (option ? 4 : 0) + reply.data.size();
  Writer writer(kEthernetSize + kIpv4Size + tcp_size);
  writer.put(peer.source_mac).put(us.mac).put16(kIpv4Type);
  writer.put16(0x4500).put16(static_cast<unsigned>(kIpv4Size + tcp_size)).put16(0);
  constexpr unsigned kDoNotFragment = 0x4000;
  writer.put16(kDoNotFragment).put8(64).put8(kTcpProtocol).put16(0).put(us.ip).put(peer.source);
  writer.put16(peer.destination_port).put16(peer.source_port);
  writer.put32(reply.sequence).put32(reply.acknowledged);
  writer.put8(option ? 6U << 4 : 5U << 4).put8(reply.flags).put16(reply.window).put16(0).put16(0);
  if (option) writer.put8(2).put8(4).put16(kMaxSegment);
  writer.bytes.insert(writer.bytes.end(), reply.data.begin(), reply.data.end());

  auto frame = std::move(writer.bytes);
  auto const bytes = std::span<std::byte const>(frame);
  store_checksum(frame, kEthernetSize + 10, sum(bytes.subspan(kEthernetSize, kIpv4Size)));
  auto const tcp = kEthernetSize + kIpv4Size;
  auto const pseudo = sum(bytes.subspan(kEthernetSize + 12, 8)) + kTcpProtocol +
                      static_cast<std::uint32_t>(tcp_size);
  store_checksum(frame, tcp + 16, sum(bytes.subspan(tcp), pseudo));
  return frame;
}

}  // namespace bh::vmm::mmds
