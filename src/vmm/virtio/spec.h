#pragma once

#include <cstdint>

namespace bh::vmm::virtio {

/// Numbers of "Virtual I/O Device (VIRTIO) Version 1.2", by its sections.

/// 5: device types.
enum class DeviceType : std::uint32_t {
  Net = 1,
  Block = 2,
  Entropy = 4,
  Balloon = 5,
  Vsock = 19,
  FileSystem = 26,
};

/// 2.1: device status field.
inline constexpr std::uint32_t kStatusAcknowledge = 1;
inline constexpr std::uint32_t kStatusDriver = 2;
inline constexpr std::uint32_t kStatusDriverOk = 4;
inline constexpr std::uint32_t kStatusFeaturesOk = 8;
inline constexpr std::uint32_t kStatusNeedsReset = 64;
inline constexpr std::uint32_t kStatusFailed = 128;

/// 6: feature bits that are not of one device type.
inline constexpr std::uint64_t kFeatureIndirect = 1ULL << 28;
inline constexpr std::uint64_t kFeatureEventIndex = 1ULL << 29;
inline constexpr std::uint64_t kFeatureVersion1 = 1ULL << 32;

/// 2.7.5: an entry of the descriptor table.
struct Descriptor {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
  std::uint16_t flags = 0;
  std::uint16_t next = 0;
};
static_assert(sizeof(Descriptor) == 16);

inline constexpr std::uint16_t kDescriptorNext = 1;
inline constexpr std::uint16_t kDescriptorWrite = 2;
inline constexpr std::uint16_t kDescriptorIndirect = 4;

/// 2.7.6 and 2.7.8: both rings start with flags and index, 16 bits each.
inline constexpr std::uint64_t kRingFlags = 0;
inline constexpr std::uint64_t kRingIndex = 2;
inline constexpr std::uint64_t kRingEntries = 4;
inline constexpr std::uint16_t kAvailNoInterrupt = 1;
inline constexpr std::uint16_t kUsedNoNotify = 1;

/// 2.7.8: an entry of the used ring.
struct UsedElement {
  std::uint32_t id = 0;
  std::uint32_t length = 0;
};
static_assert(sizeof(UsedElement) == 8);

/// 4.2.2: interrupt status.
inline constexpr std::uint32_t kInterruptUsedBuffer = 1;
inline constexpr std::uint32_t kInterruptConfigChange = 2;

/// The largest queue we offer, as Firecracker does.
inline constexpr std::uint16_t kQueueSize = 256;

}  // namespace bh::vmm::virtio
