#include "image/erofs_content.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include "image/erofs_format.h"
#include "os/file.h"
#include "os/file_write.h"
#include "os/text_file.h"

namespace bh::image::erofs {

Result<ContentArea> ContentArea::create(os::UniqueFd image) {
  // On the same file system: /tmp may be small.
  auto const near = "/proc/self/fd/" + std::to_string(image.get());
  std::array<char, 4096> path{};
  ssize_t const size = ::readlink(near.c_str(), path.data(), path.size() - 1);
  if (size < 0) return fail_errno("readlink " + near, errno);
  std::string const name(path.data(), static_cast<std::size_t>(size));
  auto tails =
      BH_TRY(os::open_at(AT_FDCWD, name.substr(0, name.rfind('/')), O_TMPFILE | O_RDWR, 0600));
  return ContentArea(std::move(image), std::move(tails));
}

Result<> ContentArea::allocate(std::uint64_t blocks) {
  if (blocks > std::numeric_limits<std::uint32_t>::max() - next_block_) {
    return fail(Errc::Denied, "the image is larger than EROFS takes (16 TiB)");
  }
  next_block_ += static_cast<std::uint32_t>(blocks);
  return {};
}

Result<std::uint64_t> ContentArea::add(Entry const& entry, Content& content) {
  Place place;
  auto const rest = entry.size % kBlock;
  if (rest <= kMostTail) place.tail_size = static_cast<std::uint32_t>(rest);
  auto const in_blocks = entry.size - place.tail_size;
  place.block = next_block_;
  place.tail = tails_size_;
  BH_TRY(allocate((in_blocks + kBlock - 1) / kBlock));

  std::array<std::byte, kMostTail> tail{};
  while (true) {
    auto piece = BH_TRY(content.next());
    if (piece.bytes.empty()) break;
    if (piece.offset > entry.size || piece.bytes.size() > entry.size - piece.offset) {
      return fail(Errc::Corrupt, "\"" + entry.path + "\" is longer than its header says");
    }
    if (piece.offset < in_blocks) {
      auto const count = std::min<std::uint64_t>(piece.bytes.size(), in_blocks - piece.offset);
      BH_TRY(os::write_at(image_, piece.bytes.first(count), place.block * kBlock + piece.offset));
      piece.bytes = piece.bytes.subspan(count);
      piece.offset += count;
    }
    if (piece.bytes.empty()) continue;
    std::ranges::copy(piece.bytes, std::span(tail).subspan(piece.offset - in_blocks).begin());
  }
  BH_TRY(os::write_at(tails_, std::span(tail).first(place.tail_size), tails_size_));
  tails_size_ += place.tail_size;
  places_.push_back(place);
  return places_.size() - 1;
}

Result<std::uint32_t> ContentArea::add_blocks(std::span<std::byte const> bytes) {
  auto const first = next_block_;
  BH_TRY(allocate((bytes.size() + kBlock - 1) / kBlock));
  BH_TRY(os::write_at(image_, bytes, first * kBlock));
  return first;
}

Result<> ContentArea::read_tail(Place const& place, std::span<std::byte> out) const {
  return os::read_exact_at(tails_, out.first(place.tail_size), place.tail);
}

}  // namespace bh::image::erofs
