#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/layer_reader.h"
#include "os/unique_fd.h"

namespace bh::image::erofs {

/// Where the content of a file is.
struct Place {
  std::uint32_t block = 0;      // Of its whole blocks.
  std::uint32_t tail_size = 0;  // Of what stands behind the inode instead of in a block.
  std::uint64_t tail = 0;       // Where in the tails.
};

/// Tails of up to this are kept behind inodes: half a block saved is worth it, a little is not.
inline constexpr std::uint64_t kMostTail = 2048;

/// The blocks of an image, which grow while its layers are read, and the ends of small files, which
/// wait for their inodes. Holes of files stay holes of the image.
class ContentArea {
 public:
  /// `image` is empty; its first block is left for the super block.
  static Result<ContentArea> create(os::UniqueFd image);

  /// Returns the number of the content's place.
  Result<std::uint64_t> add(Entry const& entry, Content& content);
  /// Whole blocks, the last filled with zeros. Returns the first one's number.
  Result<std::uint32_t> add_blocks(std::span<std::byte const> bytes);

  Place const& place(std::uint64_t number) const { return places_.at(number); }
  /// Fills `out` with the tail of a place.
  Result<> read_tail(Place const& place, std::span<std::byte> out) const;

  std::uint32_t next_block() const { return next_block_; }
  os::UniqueFd const& image() const { return image_; }

 private:
  ContentArea(os::UniqueFd image, os::UniqueFd tails)
      : image_(std::move(image)), tails_(std::move(tails)) {}

  Result<> allocate(std::uint64_t blocks);

  os::UniqueFd image_;
  os::UniqueFd tails_;  // A file without a name.
  std::uint64_t tails_size_ = 0;
  std::uint32_t next_block_ = 1;
  std::vector<Place> places_;
};

}  // namespace bh::image::erofs
