#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace bh::image {

// What an image may make us hold or write. Real images stay far below; hostile ones end here.

/// A manifest, index or config, held in memory. Registries take 4 MiB of a manifest.
inline constexpr std::size_t kDocumentLimit = std::size_t{4} << 20;
/// As many lower folders as overlayfs takes (fs/overlayfs/super.c, OVL_MAX_STACK).
inline constexpr std::size_t kMostLayers = 500;
/// Platforms and attestations of one index.
inline constexpr std::size_t kMostManifests = 1000;
/// A blob as it comes from outside.
inline constexpr std::uint64_t kLargestBlob = 64 * kGiB;

/// Files of one layer: each costs an inode of ours, whatever its size. A Debian desktop has half a
/// million.
inline constexpr std::uint64_t kMostEntries = 2'000'000;
/// Names, link targets and attributes of one image, held in memory while a disk image is made.
inline constexpr std::uint64_t kMostNameBytes = 512 * kMiB;
/// Content of one layer when unpacked.
inline constexpr std::uint64_t kLargestLayer = 256 * kGiB;
/// A layer that grows more than this is a bomb, unless it stays small: deflate itself can do 1032,
/// zstd any number; real layers do 2 to 5, and one with a database's zeros some tens.
inline constexpr std::uint64_t kMostGrowth = 200;
inline constexpr std::uint64_t kGrowthIgnoredBelow = 1 * kGiB;
/// PATH_MAX and NAME_MAX of Linux, without the final zero.
inline constexpr std::size_t kLongestPath = 4095;
inline constexpr std::size_t kLongestComponent = 255;
/// Folders in folders; real trees have some thirty. Bounds recursion over trees.
inline constexpr std::size_t kDeepestPath = 1024;
/// Extended attributes of one file together, as ext4 and EROFS take them; XATTR_SIZE_MAX.
inline constexpr std::size_t kMostAttributeBytes = 65536;

}  // namespace bh::image
