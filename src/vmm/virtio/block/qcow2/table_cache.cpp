#include "vmm/virtio/block/qcow2/table_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "vmm/virtio/block/transfer.h"

namespace bh::vmm::virtio::qcow2 {

Result<> read_bytes(int file, std::uint64_t offset, std::span<std::byte> bytes) {
  Segment const piece{.address = {}, .bytes = bytes};
  return transfer(file, Direction::Read, offset, std::span(&piece, 1));
}

Result<> write_bytes(int file, std::uint64_t offset, std::span<std::byte const> bytes) {
  // A segment is for both directions; this one is only read.
  Segment const piece{.address = {}, .bytes = {const_cast<std::byte*>(bytes.data()), bytes.size()}};
  return transfer(file, Direction::Write, offset, std::span(&piece, 1));
}

Result<std::uint64_t> file_end(int file) {
  struct stat info{};
  if (::fstat(file, &info) != 0) return fail_errno("fstat", errno);
  return static_cast<std::uint64_t>(info.st_size);
}

std::uint64_t load_big_endian(std::span<std::byte const> bytes) {
  std::uint64_t value = 0;
  for (auto const byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
  return value;
}

void store_big_endian(std::uint64_t value, std::span<std::byte> bytes) {
  for (std::size_t i = bytes.size(); i-- > 0; value >>= 8) bytes[i] = std::byte(value & 255);
}

Result<std::vector<std::byte>*> TableCache::find(std::uint64_t offset) {
  auto const found = std::ranges::find(tables_, offset, &Table::offset);
  if (found != tables_.end()) {
    tables_.splice(tables_.begin(), tables_, found);
  } else {
    std::vector<std::byte> bytes(cluster_size_);
    BH_TRY(read_bytes(file_, offset, bytes));
    remember({offset, std::move(bytes)});
  }
  return &tables_.front().bytes;
}

void TableCache::remember(Table table) {
  tables_.push_front(std::move(table));
  auto const most = std::max<std::size_t>(kMostBytes / cluster_size_, 2);
  // Small clusters would make the list long to search; what they map is small as well.
  if (tables_.size() > std::min<std::size_t>(most, 512)) tables_.pop_back();
}

Result<std::uint64_t> TableCache::get(std::uint64_t table, std::uint64_t index) {
  auto const* const bytes = BH_TRY(find(table));
  return load_big_endian(std::span(*bytes).subspan(index * number_size_, number_size_));
}

Result<> TableCache::set(std::uint64_t table, std::uint64_t index, std::uint64_t value) {
  auto* const bytes = BH_TRY(find(table));
  std::array<std::byte, 8> number;
  auto const part = std::span(number).first(number_size_);
  store_big_endian(value, part);
  // The file first: the cache never says what the file does not.
  BH_TRY(write_bytes(file_, table + index * number_size_, part));
  std::ranges::copy(part, bytes->begin() + static_cast<std::ptrdiff_t>(index * number_size_));
  return {};
}

Result<> TableCache::put(std::uint64_t table, std::vector<std::byte> bytes) {
  drop(table);
  BH_TRY(write_bytes(file_, table, bytes));
  remember({table, std::move(bytes)});
  return {};
}

void TableCache::drop(std::uint64_t table) {
  std::erase_if(tables_, [&](Table const& known) { return known.offset == table; });
}

}  // namespace bh::vmm::virtio::qcow2
