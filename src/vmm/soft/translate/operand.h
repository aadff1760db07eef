#pragma once

#include <cstdint>

#include "vmm/soft/translate/piece.h"

namespace bh::vmm::soft {

/// An operand in guest memory, as the registers say at one point of a block.
struct Operand {
  std::uint8_t base = kZeroSlot;
  std::uint8_t index = kZeroSlot;
  std::uint8_t scale = 0;
  std::uint8_t segment = kZeroSegment;
  std::int32_t displacement = 0;
  unsigned size = 0;  // Bytes.
  bool writes = false;
  Piece const* piece = nullptr;  // Whose it is. Its address is copied, if it has an explicit
                                 // operand and `base` is not the stack's.
  bool is_implied = false;       // At `base`, whatever the instruction names.

  static Operand explicit_of(Piece const& piece) {
    auto const& op = piece.op;
    return {.base = op.base,
            .index = op.index,
            .scale = op.scale,
            .segment = op.segment,
            .displacement = static_cast<std::int32_t>(op.displacement),
            .size = op.memory_size,
            .writes = op.memory_access != OperandAccess::Read,
            .piece = &piece};
  }
  /// One that the instruction does not name.
  static Operand implied(Piece const& piece, Gpr base, std::int32_t displacement, unsigned size,
                         bool writes) {
    return {.base = base,
            .displacement = displacement,
            .size = size,
            .writes = writes,
            .piece = &piece,
            .is_implied = true};
  }

  bool same_registers(Operand const& other) const {
    return base == other.base && index == other.index && scale == other.scale &&
           segment == other.segment;
  }
  /// R11 and R15 as far as its address needs the guest's, a bit each.
  std::uint16_t scratch_registers() const {
    constexpr std::uint16_t kBoth = 1u << R11 | 1u << R15;
    return is_implied ? 0 : static_cast<std::uint16_t>(piece->address_registers & kBoth);
  }
};

}  // namespace bh::vmm::soft
