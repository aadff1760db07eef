#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"

namespace bh::vmm::virtio::qcow2 {

/// The header of a qcow2 image (QEMU's docs/interop/qcow2.txt), checked: what is here can be used
/// without another look. Sizes and offsets are bytes.
struct Header {
  // Where in the file the place of the refcount table is said.
  static constexpr std::uint64_t kRefcountTableField = 48;
  static constexpr std::uint64_t kAutoclearField = 88;
  // As much as one has to read to parse it: header and names lie in the first cluster.
  static constexpr std::size_t kMostBytes = 65536;
  // Larger tables than QEMU takes are no images of anybody's; they would only cost memory.
  static constexpr std::uint64_t kMaxL1Bytes = 32 << 20;
  static constexpr std::uint64_t kMaxRefcountTableBytes = 8 << 20;

  enum class Compression : std::uint8_t { Zlib, Zstd };

  std::uint32_t version = 0;
  unsigned cluster_bits = 0;
  std::uint64_t size = 0;
  std::uint64_t l1_offset = 0;
  std::uint32_t l1_entries = 0;
  std::uint64_t refcount_table_offset = 0;
  std::uint32_t refcount_table_clusters = 0;
  unsigned refcount_order = 4;
  std::uint32_t snapshots = 0;
  bool autoclear = false;  // There are features that who writes has to switch off.
  Compression compression = Compression::Zlib;
  std::string backing_file;  // Empty: none.
  std::string backing_format;

  std::uint64_t cluster_size() const { return std::uint64_t{1} << cluster_bits; }
  std::uint64_t l2_entries() const { return cluster_size() / 8; }
};

/// `start` is the beginning of the file, as much as there is up to kMostBytes. Errc::Corrupt for
/// what no image can have, Errc::Unsupported for what we do not have: encryption, external data
/// files, extended L2 entries, images that were not closed cleanly.
Result<Header> parse_header(std::span<std::byte const> start);

}  // namespace bh::vmm::virtio::qcow2
