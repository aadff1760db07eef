#pragma once

#include <Zydis/Zydis.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// One instruction as Zydis sees it, with the bytes it was decoded from.
struct Instruction {
  ZydisDecodedInstruction decoded;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> bytes;
  CodeSize code_size;

  std::span<ZydisDecodedOperand const> all_operands() const {
    return {operands.data(), decoded.operand_count};
  }
  std::span<ZydisDecodedOperand const> visible_operands() const {
    return {operands.data(), decoded.operand_count_visible};
  }
};

/// TooLong: more than 15 bytes, which is #GP and not #UD.
enum class DecodeStatus { Ok, Invalid, NeedsMoreBytes, TooLong };

/// Decodes the instruction at the start of `bytes`.
DecodeStatus decode(std::span<std::uint8_t const> bytes, CodeSize code_size, Instruction& out);

}  // namespace bh::vmm::soft
