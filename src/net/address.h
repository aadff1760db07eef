#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::net {

/// An IPv4 address, in host order.
struct Ipv4Address {
  std::uint32_t value = 0;

  /// Four decimal numbers, as inet_pton(3) takes them.
  static Result<Ipv4Address> parse(std::string_view text);
  std::string text() const;
  bool is_loopback() const { return value >> 24 == 127; }

  friend auto operator<=>(Ipv4Address const&, Ipv4Address const&) = default;
};

inline constexpr Ipv4Address kLoopback{0x7f00'0001};
inline constexpr Ipv4Address kAnyAddress{0};

/// A range of addresses that share their first `length` bits; the other bits of `first` are 0.
struct Subnet {
  Ipv4Address first;
  unsigned length = 32;

  /// "10.88.0.0/24", or an address alone. Errc::Invalid if bits behind the length are set.
  static Result<Subnet> parse(std::string_view text);
  std::string text() const;

  std::uint32_t mask() const { return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length); }
  Ipv4Address last() const { return {first.value | ~mask()}; }
  bool contains(Ipv4Address address) const { return (address.value & mask()) == first.value; }
  bool overlaps(Subnet const& other) const {
    return contains(other.first) || other.contains(first);
  }

  friend auto operator<=>(Subnet const&, Subnet const&) = default;
};

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  /// "02:00:ac:10:00:02"
  static Result<MacAddress> parse(std::string_view text);
  std::string text() const;

  friend auto operator<=>(MacAddress const&, MacAddress const&) = default;
};

}  // namespace bh::net
