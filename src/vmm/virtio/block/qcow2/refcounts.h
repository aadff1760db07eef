#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "vmm/virtio/block/qcow2/header.h"
#include "vmm/virtio/block/qcow2/table_cache.h"

namespace bh::vmm::virtio::qcow2 {

/// Which clusters of an image's file are in use, and how often: counts of 16 bits in blocks of one
/// cluster, which a table names. A count is raised before anything points to its cluster and
/// lowered after nothing does, so that an end in between loses room and no data.
class Refcounts {
 public:
  static Result<Refcounts> load(int file, Header const& header);

  /// The offset of a cluster nobody uses, now in use once. What it holds is anything.
  Result<std::uint64_t> allocate();
  /// One use less of each cluster that the bytes touch; those in use no more go back to the host.
  Result<> release(std::uint64_t offset, std::uint64_t size);

 private:
  Refcounts(int file, Header const& header)
      : file_(file),
        cluster_bits_(header.cluster_bits),
        table_offset_(header.refcount_table_offset),
        blocks_(file, header.cluster_size(), 2) {}

  std::uint64_t cluster_size() const { return std::uint64_t{1} << cluster_bits_; }
  std::uint64_t counts_in_block() const { return cluster_size() / 2; }
  Result<std::uint64_t> block_of(std::uint64_t cluster) const;
  Result<> add_block(std::uint64_t cluster);
  Result<> grow_table(std::uint64_t cluster);
  Result<> release_cluster(std::uint64_t cluster);

  int file_;
  unsigned cluster_bits_;
  std::uint64_t table_offset_;
  std::vector<std::uint64_t> table_;  // Offsets of blocks; 0: no cluster of that block is in use.
  TableCache blocks_;
  std::uint64_t first_free_ = 1;  // No cluster before it is free.
};

}  // namespace bh::vmm::virtio::qcow2
