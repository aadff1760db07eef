#pragma once

#include <cstdint>

namespace bh::image::erofs {

// Linux, fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst: what lies on the disk. All
// numbers are little-endian.

inline constexpr std::uint64_t kBlock = 4096;
inline constexpr unsigned kBlockBits = 12;
inline constexpr std::uint64_t kSuperBlockOffset = 1024;
inline constexpr std::uint32_t kMagic = 0xe0f5'e1e2;
inline constexpr std::uint32_t kCompatChecksum = 1;
/// Inodes stand at multiples of this, which is what their numbers count.
inline constexpr std::uint64_t kSlot = 32;

struct SuperBlock {
  std::uint32_t magic;
  std::uint32_t checksum;  // CRC-32C of the block from here on, with this as 0.
  std::uint32_t feature_compat;
  std::uint8_t block_bits;
  std::uint8_t extension_slots;
  std::uint16_t root_number;
  std::uint64_t inodes;
  std::uint64_t build_seconds;
  std::uint32_t build_nanoseconds;
  std::uint32_t blocks;
  std::uint32_t metadata_block;
  std::uint32_t attribute_block;
  std::uint8_t uuid[16];
  std::uint8_t volume_name[16];
  std::uint32_t feature_incompat;
  std::uint8_t reserved[44];
};
static_assert(sizeof(SuperBlock) == 128);

// i_format: bit 0 for this ("extended") layout of an inode, from bit 1 where the content is.
inline constexpr std::uint16_t kExtended = 1;
inline constexpr std::uint16_t kPlain = 0 << 1;   // All of it in blocks.
inline constexpr std::uint16_t kInline = 2 << 1;  // The last part behind the inode.

struct Inode {
  std::uint16_t format;
  std::uint16_t attribute_count;  // 0, or 1 + the words after the attributes' header.
  std::uint16_t mode;
  std::uint16_t reserved;
  std::uint64_t size;
  std::uint32_t block;
  std::uint32_t number;
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint64_t seconds;
  std::uint32_t nanoseconds;
  std::uint32_t links;
  std::uint8_t reserved2[16];
};
static_assert(sizeof(Inode) == 64);

inline constexpr std::uint64_t kAttributesHeader = 12;

struct AttributeEntry {
  std::uint8_t name_size;
  std::uint8_t prefix;
  std::uint16_t value_size;
};
static_assert(sizeof(AttributeEntry) == 4);

struct [[gnu::packed]] FolderEntry {
  std::uint64_t inode;
  std::uint16_t name_offset;  // In its block; the first one's tells how many there are.
  std::uint8_t type;
  std::uint8_t reserved;
};
static_assert(sizeof(FolderEntry) == 12);

enum FileType : std::uint8_t { kRegular = 1, kFolder = 2, kPipe = 5, kSymbolicLink = 7 };

}  // namespace bh::image::erofs
