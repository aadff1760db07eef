#pragma once

#include <cstddef>
#include <cstdint>

namespace bh::vmm::virtio {

/// VIRTIO 1.2, 5.10.6: the start of every packet.
struct [[gnu::packed]] VsockHeader {
  std::uint64_t source_cid = 0;
  std::uint64_t destination_cid = 0;
  std::uint32_t source_port = 0;
  std::uint32_t destination_port = 0;
  std::uint32_t length = 0;
  std::uint16_t type = 0;
  std::uint16_t operation = 0;
  std::uint32_t flags = 0;
  std::uint32_t buffer_size = 0;      // Of the sender.
  std::uint32_t forwarded_count = 0;  // Bytes the sender took out of it, modulo 2^32.
};
static_assert(sizeof(VsockHeader) == 44);

enum VsockOperation : std::uint16_t {
  kVsockRequest = 1,
  kVsockResponse = 2,
  kVsockReset = 3,
  kVsockShutdown = 4,
  kVsockData = 5,
  kVsockCreditUpdate = 6,
  kVsockCreditRequest = 7,
};
inline constexpr std::uint16_t kVsockStream = 1;
/// Flags of a shutdown: what its sender will not do any more.
inline constexpr std::uint32_t kVsockNoReceive = 1;
inline constexpr std::uint32_t kVsockNoSend = 2;

inline constexpr std::uint64_t kHostCid = 2;

/// The ports of a connection, as seen from the host.
struct VsockPorts {
  std::uint32_t host = 0;
  std::uint32_t guest = 0;

  friend auto operator<=>(VsockPorts const&, VsockPorts const&) = default;
};

}  // namespace bh::vmm::virtio
