#include "vmm/virtio/block/qcow2/cluster_map.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

namespace bh::vmm::virtio::qcow2 {

namespace {

// Entries of both levels: an offset with flags around it.
constexpr std::uint64_t kOffset = 0x00ff'ffff'ffff'fe00;
constexpr std::uint64_t kOwn = std::uint64_t{1} << 63;
constexpr std::uint64_t kCompressed = std::uint64_t{1} << 62;
constexpr std::uint64_t kZero = 1;
constexpr std::uint64_t kSector = 512;

}  // namespace

Result<ClusterMap> ClusterMap::load(int file, Header const& header) {
  ClusterMap map(file, header);
  if (header.l1_entries != 0) BH_TRY(map.check_place(header.l1_offset));
  std::vector<std::byte> bytes(std::size_t{header.l1_entries} * 8);
  BH_TRY(read_bytes(file, header.l1_offset, bytes));
  map.l1_.resize(header.l1_entries);
  for (std::size_t i = 0; i < map.l1_.size(); ++i) {
    map.l1_[i] = load_big_endian(std::span(bytes).subspan(8 * i, 8));
  }
  return map;
}

/// Tables and data begin with a cluster, none is where the header is, and none lies beyond the
/// file: to write there would make it as long as whoever made the image likes.
Result<> ClusterMap::check_place(std::uint64_t offset) {
  if (offset >= end_) end_ = BH_TRY(file_end(file_));
  if (offset != 0 && offset % header_.cluster_size() == 0 && offset < end_) return {};
  return fail(Errc::Corrupt, fmt::format("qcow2: a cluster at {:#x}", offset));
}

Result<Mapping> ClusterMap::find(std::uint64_t cluster) {
  auto const table = l1_[cluster / header_.l2_entries()] & kOffset;
  if (table == 0) return Mapping{};
  BH_TRY(check_place(table));
  auto const entry = BH_TRY(tables_.get(table, cluster % header_.l2_entries()));
  if ((entry & kCompressed) != 0) {
    // The lower bits are the offset, the upper ones how many sectors follow its first.
    unsigned const bits = 62 - (header_.cluster_bits - 8);
    auto const offset = entry & ((std::uint64_t{1} << bits) - 1);
    auto const sectors = ((entry & ~(kOwn | kCompressed)) >> bits) + 1;
    return Mapping{.kind = Mapping::Kind::Compressed,
                   .offset = offset,
                   .size = sectors * kSector - offset % kSector};
  }
  auto const offset = entry & kOffset;
  bool const own = (entry & kOwn) != 0;
  if (offset != 0) BH_TRY(check_place(offset));
  // Before version 3 the bit means nothing.
  if (header_.version >= 3 && (entry & kZero) != 0) {
    return Mapping{.kind = Mapping::Kind::Zero, .offset = offset, .own = own};
  }
  if (offset == 0) return Mapping{};
  return Mapping{.kind = Mapping::Kind::Data, .offset = offset, .own = own};
}

/// The L2 table with this index, made if it is missing, copied if something else uses it as well.
Result<std::uint64_t> ClusterMap::table_for_writing(std::uint64_t index, Refcounts& refcounts) {
  auto const old = l1_[index] & kOffset;
  if (old != 0) BH_TRY(check_place(old));
  if (old != 0 && (l1_[index] & kOwn) != 0) return old;
  std::vector<std::byte> bytes(header_.cluster_size());
  if (old != 0) BH_TRY(read_bytes(file_, old, bytes));
  auto const table = BH_TRY(refcounts.allocate());
  BH_TRY(tables_.put(table, std::move(bytes)));
  std::array<std::byte, 8> entry;
  store_big_endian(table | kOwn, entry);
  BH_TRY(write_bytes(file_, header_.l1_offset + 8 * index, entry));
  l1_[index] = table | kOwn;
  if (old != 0) BH_TRY(refcounts.release(old, header_.cluster_size()));
  return table;
}

Result<> ClusterMap::set_entry(std::uint64_t cluster, std::uint64_t entry, Refcounts& refcounts) {
  auto const before = BH_TRY(find(cluster));
  auto const table = BH_TRY(table_for_writing(cluster / header_.l2_entries(), refcounts));
  BH_TRY(tables_.set(table, cluster % header_.l2_entries(), entry));
  if (before.kind == Mapping::Kind::Compressed) {
    return refcounts.release(before.offset, before.size);
  }
  bool const moved = before.offset != 0 && before.offset != (entry & kOffset);
  return moved ? refcounts.release(before.offset, header_.cluster_size()) : Result<>();
}

Result<> ClusterMap::set_data(std::uint64_t cluster, std::uint64_t offset, Refcounts& refcounts) {
  return set_entry(cluster, offset | kOwn, refcounts);
}

Result<> ClusterMap::set_none(std::uint64_t cluster, Mapping::Kind kind, Refcounts& refcounts) {
  return set_entry(cluster, kind == Mapping::Kind::Zero ? kZero : 0, refcounts);
}

}  // namespace bh::vmm::virtio::qcow2
