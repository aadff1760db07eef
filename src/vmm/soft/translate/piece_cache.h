#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "vmm/soft/translate/piece.h"

namespace bh::vmm::soft {

/// Makes pieces of 64-bit code, and remembers them by the bytes of the instruction that are neither
/// displacement nor immediate: most of a program's instructions differ from an earlier one in these
/// numbers only, or in nothing.
///
/// What a byte means is never decided here, but learned from the decoder: a piece is remembered
/// only if it, with the numbers of its own instruction put in, is the one that the decoder led to.
class PieceCache {
 public:
  PieceCache();

  /// The instruction at the start of `bytes`; `start`: its offset in its page. Ok: `out` is set.
  DecodeStatus make(std::span<std::uint8_t const> bytes, std::uint16_t start, TranslationMode mode,
                    Piece& out);

  /// Pieces made without the decoder.
  std::uint64_t hits() const { return hits_; }

 private:
  /// Where an instruction's numbers are, as far as that shows before it is decoded.
  struct Shape {
    std::uint64_t key = 0;  // Prefixes, opcode, ModRM and SIB; mode and how many. 0: no such.
    std::uint8_t modrm = 0;
    std::uint8_t displacement = 0;       // Offset, which is behind all of the key's bytes,
    std::uint8_t displacement_size = 0;  // and bytes.
  };
  /// What is known of an opcode.
  enum class Layout : std::uint8_t { Unknown, Plain, ModRm, Irregular };
  struct Entry {
    std::uint64_t key = 0;
    bool immediate_signed = false;
    ZydisMnemonic mnemonic = ZYDIS_MNEMONIC_INVALID;
    Piece piece;
  };
  static constexpr std::size_t kEntries = 4096;
  static constexpr std::size_t kMaps = 4;  // One byte; 0F; 0F 38; 0F 3A.

  /// Reads up to ModRM and SIB. False: not a shape for this cache.
  bool parse(std::span<std::uint8_t const> bytes, TranslationMode mode, Shape& shape,
             Layout*& layout);
  static Piece with_numbers(Entry const& entry, Shape const& shape,
                            std::span<std::uint8_t const> bytes, std::uint16_t start);
  void learn(Instruction const& instruction, Shape const& shape, Layout& layout,
             std::span<std::uint8_t const> bytes, Piece const& piece);

  static std::size_t place_of(std::uint64_t key) {
    return static_cast<std::size_t>((key * 0x9e37'79b9'7f4a'7c15) >> 52);
  }

  std::array<Layout, kMaps * 256> layouts_{};
  std::unique_ptr<Entry[]> entries_;
  std::uint64_t hits_ = 0;
};

}  // namespace bh::vmm::soft
