#pragma once

#include <span>

#include "base/error.h"
#include "net/address.h"

namespace bh::net {

/// The first address that can be given: the host's end of a network.
Ipv4Address gateway_of(Subnet const& subnet);

/// Subnets of networks have room for a gateway and a machine.
inline constexpr unsigned kLongestNetwork = 30;
inline constexpr unsigned kShortestNetwork = 8;

/// Whether a machine of the network may have it: not its first, its last or the gateway's.
bool may_be_given(Subnet const& subnet, Ipv4Address address);

/// The lowest address of `subnet` that is not in `taken`. Who keeps what was given keeps addresses
/// stable: one that became free is not passed over. Errc::Busy if all are taken.
Result<Ipv4Address> choose_address(Subnet const& subnet, std::span<Ipv4Address const> taken);

/// The lowest subnet of `length` in `pool` that overlaps none of `taken`. Errc::Busy if all do.
Result<Subnet> choose_subnet(Subnet const& pool, unsigned length, std::span<Subnet const> taken);

}  // namespace bh::net
