#include "net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace bh::net {

Result<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  in_addr address{};
  // inet_pton() would read as far as a NUL.
  bool const whole = text.find('\0') == text.npos;
  if (!whole || ::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) {
    return fail(Errc::Invalid,
                fmt::format("\"{}\" is no IPv4 address (four numbers from 0 to 255)", text));
  }
  return Ipv4Address{ntohl(address.s_addr)};
}

std::string Ipv4Address::text() const {
  return fmt::format("{}.{}.{}.{}", value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255);
}

Result<Subnet> Subnet::parse(std::string_view text) {
  constexpr unsigned kMostBits = 32;
  auto const slash = text.find('/');
  Subnet subnet;
  auto const first = BH_TRY(Ipv4Address::parse(text.substr(0, slash)));
  subnet.first = first;
  if (slash != text.npos) {
    auto const length = text.substr(slash + 1);
    auto const* const end = length.data() + length.size();
    auto const [stop, error] = std::from_chars(length.data(), end, subnet.length);
    if (error != std::errc() || stop != end || subnet.length > kMostBits) {
      return fail(Errc::Invalid, fmt::format("\"{}\": behind the / must be 0 to 32", text));
    }
  }
  if ((first.value & ~subnet.mask()) != 0) {
    return fail(Errc::Invalid,
                fmt::format("\"{}\": the subnet with this address is {}/{}", text,
                            Ipv4Address{first.value & subnet.mask()}.text(), subnet.length));
  }
  return subnet;
}

std::string Subnet::text() const {
  return fmt::format("{}/{}", first.text(), length);
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
  constexpr std::size_t kLength = 17;
  MacAddress mac;
  auto const bad = [&] {
    return fail(Errc::Invalid, fmt::format("\"{}\" is no MAC address (02:00:00:00:00:01)", text));
  };
  if (text.size() != kLength) return bad();
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    auto const* const start = text.data() + 3 * i;
    auto const [stop, error] = std::from_chars(start, start + 2, mac.bytes[i], 16);
    if (error != std::errc() || stop != start + 2) return bad();
    if (i + 1 < mac.bytes.size() && start[2] != ':') return bad();
  }
  return mac;
}

std::string MacAddress::text() const {
  return fmt::format("{:02x}", fmt::join(bytes, ":"));
}

}  // namespace bh::net
