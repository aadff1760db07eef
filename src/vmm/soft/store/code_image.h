#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vmm/soft/decode/op.h"
#include "vmm/soft/translate/assembler.h"
#include "vmm/soft/translate/site.h"
#include "vmm/soft/translate/translated_block.h"

namespace bh::vmm::soft {

/// A translated block that can be put anywhere in any pool of a program built alike. Offsets count
/// from its first byte of code; numbers of sites and ops from its first.
struct CodeImage {
  std::uint32_t key = 0;                 // key_of() its source; not 0.
  std::span<std::uint8_t const> source;  // The bytes of guest code it was made of.
  std::span<std::uint8_t const> code;
  std::vector<std::uint16_t> gate_jumps;  // Distances to the gate, as to a block at offset 0.
  std::vector<std::uint16_t> numbers;     // Numbers of sites.
  std::vector<Site> sites;
  std::vector<TrapPoint> traps;
  std::vector<Op> ops;
  Entries entries;

  /// Keys are made of the first bytes of a source: as many of these as it has.
  static constexpr std::array<std::size_t, 3> kPrefixes{8, 4, 1};
  /// Of what starts with `prefix` at an offset of its page in one mode. Different sources may share
  /// it.
  static std::uint32_t key_of(std::span<std::uint8_t const> prefix, std::uint16_t page_offset,
                              unsigned mode);
  /// `source` is not empty.
  static std::uint32_t key_of_source(std::span<std::uint8_t const> source,
                                     std::uint16_t page_offset, unsigned mode);
};

/// For a file. The source and the code are in it, too.
std::vector<std::uint8_t> packed(CodeImage const& image);

/// Bytes of the packed image at the start of `bytes`; nothing if there is none.
std::optional<std::uint32_t> packed_size(std::span<std::uint8_t const> bytes);
/// Its source alone, to compare; empty if the image is damaged.
std::span<std::uint8_t const> packed_source(std::span<std::uint8_t const> bytes);

/// `bytes` must outlive the image. Nothing if it is not one.
std::optional<CodeImage> unpacked(std::span<std::uint8_t const> bytes);

}  // namespace bh::vmm::soft
