#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "vmm/virtio/block/qcow2/header.h"
#include "vmm/virtio/block/qcow2/refcounts.h"
#include "vmm/virtio/block/qcow2/table_cache.h"

namespace bh::vmm::virtio::qcow2 {

/// Where the bytes of a cluster of the guest are.
struct Mapping {
  enum class Kind : std::uint8_t {
    Below,  // In the backing file, or zeros without one.
    Zero,
    Data,        // At `offset` of the file, a whole cluster.
    Compressed,  // `size` bytes at `offset`, perhaps with a few after the end.
  };
  Kind kind = Kind::Below;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool own = false;  // Data: nothing else uses the cluster, so that it may be written in place.
};

/// The two levels of tables from clusters of the guest to clusters of the file.
class ClusterMap {
 public:
  static Result<ClusterMap> load(int file, Header const& header);

  /// Errc::Corrupt for places no cluster can have.
  Result<Mapping> find(std::uint64_t cluster);
  /// Makes the cluster own data at `offset`.
  Result<> set_data(std::uint64_t cluster, std::uint64_t offset, Refcounts& refcounts);
  /// Kind::Below or Kind::Zero.
  Result<> set_none(std::uint64_t cluster, Mapping::Kind kind, Refcounts& refcounts);

 private:
  ClusterMap(int file, Header const& header)
      : file_(file), header_(header), tables_(file, header.cluster_size(), 8) {}

  Result<std::uint64_t> table_for_writing(std::uint64_t index, Refcounts& refcounts);
  Result<> set_entry(std::uint64_t cluster, std::uint64_t entry, Refcounts& refcounts);
  Result<> check_place(std::uint64_t offset);

  int file_;
  Header header_;
  std::uint64_t end_ = 0;  // Of the file when it was last asked; it only grows.
  std::vector<std::uint64_t> l1_;
  TableCache tables_;
};

}  // namespace bh::vmm::virtio::qcow2
