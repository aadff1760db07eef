#pragma once

#include <array>
#include <cstdint>

namespace bh::vmm::virtio {

/// VIRTIO 1.2, 5.2.3: feature bits.
inline constexpr std::uint64_t kBlockSegMax = 1ULL << 2;
inline constexpr std::uint64_t kBlockReadOnly = 1ULL << 5;
inline constexpr std::uint64_t kBlockFlush = 1ULL << 9;
inline constexpr std::uint64_t kBlockMultiQueue = 1ULL << 12;
inline constexpr std::uint64_t kBlockDiscard = 1ULL << 13;
inline constexpr std::uint64_t kBlockWriteZeroes = 1ULL << 14;

/// 5.2.4: configuration space.
struct BlockConfigSpace {
  std::uint64_t capacity = 0;  // Sectors of 512 bytes.
  std::uint32_t size_max = 0;
  std::uint32_t seg_max = 0;
  std::uint32_t geometry = 0;
  std::uint32_t blk_size = 0;
  std::uint64_t topology = 0;
  std::uint8_t writeback = 0;
  std::uint8_t unused0 = 0;
  std::uint16_t num_queues = 0;
  std::uint32_t max_discard_sectors = 0;
  std::uint32_t max_discard_seg = 0;
  std::uint32_t discard_sector_alignment = 0;
  std::uint32_t max_write_zeroes_sectors = 0;
  std::uint32_t max_write_zeroes_seg = 0;
  std::uint8_t write_zeroes_may_unmap = 0;
  std::array<std::uint8_t, 3> unused1{};
};
static_assert(sizeof(BlockConfigSpace) == 64);

/// 5.2.6: the start of every request.
struct BlockHeader {
  std::uint32_t type = 0;
  std::uint32_t reserved = 0;
  std::uint64_t sector = 0;
};
enum BlockRequestType : std::uint32_t {
  kBlockIn = 0,
  kBlockOut = 1,
  kBlockFlushRequest = 4,
  kBlockGetId = 8,
  kBlockDiscardRequest = 11,
  kBlockWriteZeroesRequest = 13,
};
inline constexpr std::uint8_t kBlockOk = 0;
inline constexpr std::uint8_t kBlockIoError = 1;
inline constexpr std::uint8_t kBlockUnsupported = 2;
inline constexpr std::size_t kBlockIdSize = 20;

/// 5.2.6: what discard and write zeroes name.
struct BlockRange {
  std::uint64_t sector = 0;
  std::uint32_t num_sectors = 0;
  std::uint32_t flags = 0;
};
inline constexpr std::uint32_t kBlockRangeUnmap = 1;

/// What one discard or write-zeroes request can ask for: so much work for one request is the most
/// a device does before it looks at others.
inline constexpr std::uint32_t kMaxRanges = 16;
inline constexpr std::uint32_t kMaxRangeSectors = std::uint32_t{1} << 22;  // 2 GiB

}  // namespace bh::vmm::virtio
