#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/soft/store/code_image.h"

namespace bh::vmm::soft {

/// A block, just written, made independent of its place.
class BlockImage {
 public:
  struct Place {
    std::span<std::uint8_t const> source;
    std::uint16_t page_offset = 0;
    unsigned mode = 0;  // TranslationMode::number()
    CodeOffset start = 0;
    std::uint32_t first_site = 0;
    std::uint32_t first_op = 0;
  };

  BlockImage(Place const& place, std::span<std::uint8_t const> code, Fixups fixups,
             std::span<Site const> sites, std::span<TrapPoint const> traps, std::span<Op const> ops,
             Entries entries);

  /// Valid as long as this, and the source.
  CodeImage const& image() const { return image_; }

 private:
  std::vector<std::uint8_t> code_;
  CodeImage image_;
};

}  // namespace bh::vmm::soft
