#include "net/address_pool.h"

#include <fmt/format.h>

#include <algorithm>

namespace bh::net {

Ipv4Address gateway_of(Subnet const& subnet) {
  return {subnet.first.value + 1};
}

bool may_be_given(Subnet const& subnet, Ipv4Address address) {
  return subnet.contains(address) && address != subnet.first && address != subnet.last() &&
         address != gateway_of(subnet);
}

Result<Ipv4Address> choose_address(Subnet const& subnet, std::span<Ipv4Address const> taken) {
  for (auto address = gateway_of(subnet); address < subnet.last(); ++address.value) {
    if (may_be_given(subnet, address) && std::ranges::find(taken, address) == taken.end()) {
      return address;
    }
  }
  return fail(Errc::Busy,
              fmt::format("choose an address of {}: all are taken; remove machines, or make "
                          "a network with a larger subnet",
                          subnet.text()));
}

Result<Subnet> choose_subnet(Subnet const& pool, unsigned length, std::span<Subnet const> taken) {
  if (length < pool.length || length > 32) {
    return fail(Errc::Invalid, fmt::format("choose a subnet of length {} of {}: must be {} to 32",
                                           length, pool.text(), pool.length));
  }
  std::uint64_t const step = std::uint64_t{1} << (32 - length);
  for (std::uint64_t first = pool.first.value; first <= pool.last().value;) {
    Subnet const subnet{{static_cast<std::uint32_t>(first)}, length};
    auto const other =
        std::ranges::find_if(taken, [&](Subnet const& one) { return one.overlaps(subnet); });
    if (other == taken.end()) return subnet;
    // Past the larger of the two.
    auto const past = std::uint64_t{std::max(other->last(), subnet.last()).value} + 1;
    first = (past + step - 1) / step * step;
  }
  return fail(Errc::Busy, fmt::format("choose a subnet of {}: the host's routes and networks take "
                                      "all of it; say which subnet to use",
                                      pool.text()));
}

}  // namespace bh::net
