#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bh::vmm::virtio {

/// Whether a frame, from its Ethernet header on, could reach the host's loopback through a user
/// network: anything to 127.0.0.0/8 or 0.0.0.0/8, and to 10.0.2.0/24 all but names from 10.0.2.3,
/// DHCP and echo. Of what is no IPv4, nothing does: the network answers ARP itself.
///
/// Only headers are looked at, and what they hide (fragments of a packet to 10.0.2.0/24) counts.
bool may_reach_host_loopback(std::span<std::byte const> frame);

/// Whether the frame can only belong to a connection to TCP port `port` of the guest that came from
/// 10.0.2.2: it begins none itself.
bool answers_host(std::span<std::byte const> frame, std::uint64_t port);

/// Whether the frame is for an address that only the host itself can mean: these are never sent.
bool is_for_loopback(std::span<std::byte const> frame);

}  // namespace bh::vmm::virtio
