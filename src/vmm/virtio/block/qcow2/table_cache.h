#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "base/error.h"

namespace bh::vmm::virtio::qcow2 {

/// Clusters of an image that hold tables of big-endian numbers, as they are in the file: a change
/// is written at once, and only the room for reading is limited.
class TableCache {
 public:
  // 8 MiB of L2 tables map 64 GiB at the default cluster size.
  static constexpr std::uint64_t kMostBytes = 8 << 20;

  /// `file` outlives the cache. `number_size` is 2 or 8 bytes.
  TableCache(int file, std::uint64_t cluster_size, unsigned number_size)
      : file_(file), cluster_size_(cluster_size), number_size_(number_size) {}

  Result<std::uint64_t> get(std::uint64_t table, std::uint64_t index);
  Result<> set(std::uint64_t table, std::uint64_t index, std::uint64_t value);
  /// Makes the cluster a table of these bytes, in the file as well.
  Result<> put(std::uint64_t table, std::vector<std::byte> bytes);
  /// The cluster is no table any more.
  void drop(std::uint64_t table);

 private:
  struct Table {
    std::uint64_t offset;
    std::vector<std::byte> bytes;
  };

  Result<std::vector<std::byte>*> find(std::uint64_t offset);
  void remember(Table table);

  int file_;
  std::uint64_t cluster_size_;
  unsigned number_size_;
  std::list<Table> tables_;  // The last used first.
};

/// All of `bytes` from or to the file.
Result<> read_bytes(int file, std::uint64_t offset, std::span<std::byte> bytes);
Result<> write_bytes(int file, std::uint64_t offset, std::span<std::byte const> bytes);

/// Bytes of the file.
Result<std::uint64_t> file_end(int file);

std::uint64_t load_big_endian(std::span<std::byte const> bytes);
void store_big_endian(std::uint64_t value, std::span<std::byte> bytes);

}  // namespace bh::vmm::virtio::qcow2
