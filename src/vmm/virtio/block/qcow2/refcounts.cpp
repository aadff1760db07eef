#include "vmm/virtio/block/qcow2/refcounts.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace bh::vmm::virtio::qcow2 {

namespace {

constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 56;

std::unexpected<Error> corrupt(std::string words) {
  return fail(Errc::Corrupt, "qcow2: " + std::move(words));
}

}  // namespace

Result<Refcounts> Refcounts::load(int file, Header const& header) {
  Refcounts counts(file, header);
  auto const end = BH_TRY(file_end(file));
  if (header.refcount_table_offset >= end) return corrupt("the refcount table is beyond the file");
  std::vector<std::byte> bytes(header.refcount_table_clusters * header.cluster_size());
  BH_TRY(read_bytes(file, header.refcount_table_offset, bytes));
  counts.table_.resize(bytes.size() / 8);
  for (std::size_t i = 0; i < counts.table_.size(); ++i) {
    auto const block = load_big_endian(std::span(bytes).subspan(8 * i, 8));
    if (block % header.cluster_size() != 0 || block >= end) {
      return corrupt(fmt::format("a refcount block at {:#x}", block));
    }
    counts.table_[i] = block;
  }
  return counts;
}

/// 0 if there is none yet.
Result<std::uint64_t> Refcounts::block_of(std::uint64_t cluster) const {
  auto const index = cluster / counts_in_block();
  return index < table_.size() ? table_[index] : 0;
}

Result<std::uint64_t> Refcounts::allocate() {
  for (std::uint64_t cluster = first_free_;; ++cluster) {
    if (cluster > kMaxOffset >> cluster_bits_) return corrupt("no cluster is free");
    auto const index = cluster / counts_in_block();
    if (index >= table_.size()) {
      BH_TRY(grow_table(cluster));
      continue;
    }
    if (table_[index] == 0) {
      BH_TRY(add_block(cluster));
      continue;
    }
    auto const slot = cluster % counts_in_block();
    auto const count = BH_TRY(blocks_.get(table_[index], slot));
    if (count != 0) continue;
    BH_TRY(blocks_.set(table_[index], slot, 1));
    first_free_ = cluster + 1;
    return cluster << cluster_bits_;
  }
}

/// A block lies in the first free cluster it counts, so that it needs no other block.
Result<> Refcounts::add_block(std::uint64_t cluster) {
  auto const index = cluster / counts_in_block();
  std::uint64_t const offset = cluster << cluster_bits_;
  std::vector<std::byte> bytes(cluster_size());
  store_big_endian(1, std::span(bytes).subspan(2 * (cluster % counts_in_block()), 2));
  BH_TRY(blocks_.put(offset, std::move(bytes)));
  std::array<std::byte, 8> entry;
  store_big_endian(offset, entry);
  BH_TRY(write_bytes(file_, table_offset_ + 8 * index, entry));
  table_[index] = offset;
  return {};
}

/// Puts a table of twice the size, and the blocks that count it, behind all that was counted so
/// far; `cluster` is the first there.
Result<> Refcounts::grow_table(std::uint64_t cluster) {
  auto const old_clusters = table_.size() * 8 / cluster_size();
  auto const new_clusters = old_clusters * 2;
  if (new_clusters * cluster_size() > Header::kMaxRefcountTableBytes) {
    return fail(Errc::Io, "qcow2: the image has no room for more clusters");
  }
  auto const first_block = table_.size();
  auto table = table_;
  table.resize(new_clusters * cluster_size() / 8);
  std::uint64_t blocks = 1;
  while (blocks * counts_in_block() < blocks + new_clusters) ++blocks;
  std::uint64_t const used = blocks + new_clusters;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    std::vector<std::byte> bytes(cluster_size());
    for (std::uint64_t slot = 0; slot < counts_in_block(); ++slot) {
      if (i * counts_in_block() + slot >= used) break;
      store_big_endian(1, std::span(bytes).subspan(2 * slot, 2));
    }
    table[first_block + i] = (cluster + i) << cluster_bits_;
    BH_TRY(blocks_.put(table[first_block + i], std::move(bytes)));
  }
  std::uint64_t const offset = (cluster + blocks) << cluster_bits_;
  std::vector<std::byte> bytes(table.size() * 8);
  for (std::size_t i = 0; i < table.size(); ++i) {
    store_big_endian(table[i], std::span(bytes).subspan(8 * i, 8));
  }
  BH_TRY(write_bytes(file_, offset, bytes));
  std::array<std::byte, 12> place;
  store_big_endian(offset, std::span(place).first(8));
  store_big_endian(new_clusters, std::span(place).subspan(8));
  BH_TRY(write_bytes(file_, Header::kRefcountTableField, place));
  auto const old_offset = std::exchange(table_offset_, offset);
  table_ = std::move(table);
  return release(old_offset, old_clusters * cluster_size());
}

Result<> Refcounts::release(std::uint64_t offset, std::uint64_t size) {
  if (size == 0) return {};
  auto const last = (offset + size - 1) >> cluster_bits_;
  for (auto cluster = offset >> cluster_bits_; cluster <= last; ++cluster) {
    BH_TRY(release_cluster(cluster));
  }
  return {};
}

Result<> Refcounts::release_cluster(std::uint64_t cluster) {
  auto const block = BH_TRY(block_of(cluster));
  auto const slot = cluster % counts_in_block();
  std::uint64_t count = 0;
  if (block != 0) count = BH_TRY(blocks_.get(block, slot));
  if (count == 0) return corrupt(fmt::format("cluster {} is used and not counted", cluster));
  BH_TRY(blocks_.set(block, slot, count - 1));
  if (count != 1) return {};
  first_free_ = std::min(first_free_, cluster);
  // A file system that cannot give the room back keeps it, which is as good.
  [[maybe_unused]] int const result =
      ::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(cluster << cluster_bits_), static_cast<off_t>(cluster_size()));
  return {};
}

}  // namespace bh::vmm::virtio::qcow2
