#include "tests/isa/memory_image.h"

#include <memory>
#include <vector>

#include "tests/isa/random.h"

namespace bh::isa {

namespace {

std::vector<MemoryImage> make_images() {
  std::vector<MemoryImage> images(kImageCount);
  for (std::uint32_t i = 0; i < kImageCount; ++i) {
    Random random(0x1234'5678 + i);
    for (std::size_t at = 0; at < images[i].size(); at += 16) {
      // Alternating images: of one kind throughout, or mixed.
      auto const kind = static_cast<LaneKind>(i % 2 == 0 ? (i / 2) % 4 : random.below(4));
      interesting_lanes(random, kind, std::span<std::byte, 16>(images[i].data() + at, 16));
    }
  }
  return images;
}

}  // namespace

MemoryImage const& memory_image(std::uint32_t index) {
  static std::vector<MemoryImage> const images = make_images();
  return images[index % kImageCount];
}

void build_memory_images() {
  memory_image(0);
}

std::optional<std::size_t> image_offset(std::uint64_t address) {
  for (std::uint64_t const start : {kDataStart, kHighDataStart}) {
    for (DataPage const& page : kDataPages) {
      std::uint64_t const offset = address - start - page.offset;
      if (offset < kPage) return page.image_offset + offset;
    }
  }
  return std::nullopt;
}

void apply_patch(Patch const& patch, std::span<std::byte> image) {
  for (unsigned i = 0; i < patch.size; ++i) {
    if (auto const at = image_offset(patch.address + i)) image[*at] = patch.bytes[i];
  }
}

}  // namespace bh::isa
