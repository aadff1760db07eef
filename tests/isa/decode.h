#pragma once

#include <Zydis/Zydis.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace bh::isa {

/// An instruction as the reference decoder sees it in 64-bit mode.
struct Decoded {
  ZydisDecodedInstruction instruction;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;

  std::span<ZydisDecodedOperand const> all_operands() const {
    return {operands.data(), instruction.operand_count};
  }
};

/// Decodes the first instruction of `bytes`.
std::optional<Decoded> decode(std::span<std::uint8_t const> bytes);

/// Intel syntax at address `rip`, or "(undecodable)".
std::string disassemble(std::span<std::uint8_t const> bytes, std::uint64_t rip);

/// What makes two byte strings the same form: mnemonic, encoding, opcode, operand kinds, widths and
/// encodings; not which registers, addresses or values they name.
std::uint64_t form_identity(Decoded const& decoded);

}  // namespace bh::isa
