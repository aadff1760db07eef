#pragma once

#include <Zydis/Zydis.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bh::isa {

/// An instruction as the reference decoder sees it in 64-bit mode.
struct Decoded {
  ZydisDecodedInstruction instruction;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
  std::uint64_t next_rip = 0;

  std::span<ZydisDecodedOperand const> all_operands() const {
    return {operands.data(), instruction.operand_count};
  }
};

/// Decodes the first instruction of `bytes`, which lies at `rip`.
std::optional<Decoded> decode(std::span<std::uint8_t const> bytes, std::uint64_t rip = 0);

/// All instructions of `bytes` up to the first that cannot be decoded.
std::vector<Decoded> decode_all(std::span<std::uint8_t const> bytes, std::uint64_t rip);

/// Intel syntax at address `rip`, instructions separated by "; ", or "(undecodable)".
std::string disassemble(std::span<std::uint8_t const> bytes, std::uint64_t rip);

/// What makes two byte strings the same form: mnemonic, encoding, opcode, operand kinds, widths and
/// encodings; not which registers, addresses or values they name.
std::uint64_t form_identity(Decoded const& decoded);

}  // namespace bh::isa
