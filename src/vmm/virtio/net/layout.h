#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bh::vmm::virtio {

/// VIRTIO 1.2, 5.1.3: feature bits.
inline constexpr std::uint64_t kNetChecksum = 1ULL << 0;       // The device completes checksums.
inline constexpr std::uint64_t kNetGuestChecksum = 1ULL << 1;  // The driver does.
inline constexpr std::uint64_t kNetMtu = 1ULL << 3;
inline constexpr std::uint64_t kNetMac = 1ULL << 5;
inline constexpr std::uint64_t kNetGuestTso4 = 1ULL << 7;
inline constexpr std::uint64_t kNetGuestTso6 = 1ULL << 8;
inline constexpr std::uint64_t kNetGuestEcn = 1ULL << 9;
inline constexpr std::uint64_t kNetHostTso4 = 1ULL << 11;
inline constexpr std::uint64_t kNetHostTso6 = 1ULL << 12;
inline constexpr std::uint64_t kNetHostEcn = 1ULL << 13;
inline constexpr std::uint64_t kNetMergeable = 1ULL << 15;
inline constexpr std::uint64_t kNetControl = 1ULL << 17;     // There is a control queue.
inline constexpr std::uint64_t kNetMultiQueue = 1ULL << 22;  // Needs kNetControl.

using MacAddress = std::array<std::uint8_t, 6>;

/// 5.1.4: configuration space.
struct [[gnu::packed]] NetConfigSpace {
  MacAddress mac{};
  std::uint16_t status = 0;
  std::uint16_t max_queue_pairs = 0;
  std::uint16_t mtu = 0;
};
static_assert(sizeof(NetConfigSpace) == 12);

/// 5.1.6: what comes before every frame, in both directions. The host's tap has the same.
struct NetHeader {
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t header_length = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  std::uint16_t buffers = 0;
};
static_assert(sizeof(NetHeader) == 12);

/// 5.1.6.5: a command on the control queue, before its data; one byte comes back.
struct NetCommand {
  std::uint8_t kind = 0;
  std::uint8_t command = 0;
};
inline constexpr std::uint8_t kNetCommandDone = 0;
inline constexpr std::uint8_t kNetCommandFailed = 1;
/// 5.1.6.5.5: how many pairs of queues are used, in 16 bits.
inline constexpr std::uint8_t kNetCommandsOfMultiQueue = 4;
inline constexpr std::uint8_t kNetSetPairs = 0;

/// The largest frame segmentation can make (64 KiB of IP in Ethernet with a VLAN tag), and its
/// header.
inline constexpr std::size_t kLargestFrame = sizeof(NetHeader) + 65536 + 18;

}  // namespace bh::vmm::virtio
