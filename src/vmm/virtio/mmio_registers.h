#pragma once

#include <cstdint>

namespace bh::vmm::virtio {

/// VIRTIO 1.2, 4.2.2: the registers of virtio-mmio.
inline constexpr std::uint64_t kMagicValue = 0x000;
inline constexpr std::uint64_t kVersion = 0x004;
inline constexpr std::uint64_t kDeviceId = 0x008;
inline constexpr std::uint64_t kVendorId = 0x00c;
inline constexpr std::uint64_t kDeviceFeatures = 0x010;
inline constexpr std::uint64_t kDeviceFeaturesSelect = 0x014;
inline constexpr std::uint64_t kDriverFeatures = 0x020;
inline constexpr std::uint64_t kDriverFeaturesSelect = 0x024;
inline constexpr std::uint64_t kQueueSelect = 0x030;
inline constexpr std::uint64_t kQueueSizeMax = 0x034;
inline constexpr std::uint64_t kQueueSizeRegister = 0x038;
inline constexpr std::uint64_t kQueueReady = 0x044;
inline constexpr std::uint64_t kQueueNotify = 0x050;
inline constexpr std::uint64_t kInterruptStatus = 0x060;
inline constexpr std::uint64_t kInterruptAck = 0x064;
inline constexpr std::uint64_t kStatus = 0x070;
inline constexpr std::uint64_t kQueueDescriptorsLow = 0x080;
inline constexpr std::uint64_t kQueueDescriptorsHigh = 0x084;
inline constexpr std::uint64_t kQueueAvailableLow = 0x090;
inline constexpr std::uint64_t kQueueAvailableHigh = 0x094;
inline constexpr std::uint64_t kQueueUsedLow = 0x0a0;
inline constexpr std::uint64_t kQueueUsedHigh = 0x0a4;
inline constexpr std::uint64_t kShmLengthLow = 0x0b0;
inline constexpr std::uint64_t kShmLengthHigh = 0x0b4;
inline constexpr std::uint64_t kShmBaseLow = 0x0b8;
inline constexpr std::uint64_t kShmBaseHigh = 0x0bc;
inline constexpr std::uint64_t kConfigGeneration = 0x0fc;
inline constexpr std::uint64_t kConfigSpace = 0x100;

inline constexpr std::uint32_t kMagic = 0x7472'6976;  // "virt"
inline constexpr std::uint32_t kModern = 2;

}  // namespace bh::vmm::virtio
