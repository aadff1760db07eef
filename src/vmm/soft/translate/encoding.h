#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "vmm/soft/decode/instruction.h"

namespace bh::vmm::soft {

/// The bytes of an instruction, and where its parts are among them (SDM vol. 2, 2.1).
struct Encoding {
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> bytes{};
  std::uint8_t length = 0;  // 0: no instruction.
  bool has_rex = false;
  std::uint8_t rex = 0;             // Offset.
  std::uint8_t vex_size = 0;        // 0: none; else 2 or 3.
  std::uint8_t vex = 0;             // Offset.
  std::uint8_t opcode = 0;          // Offset of its last byte.
  std::uint8_t modrm = 0;           // Offset; 0: none.
  std::uint8_t immediate = 0;       // Offset of its only immediate,
  std::uint8_t immediate_size = 0;  // and bytes; 0: it has none.
  std::uint8_t tail = 0;            // Offset of what is behind ModRM, SIB and displacement.

  static Encoding of(Instruction const& instruction);

  std::span<std::uint8_t const> all() const { return std::span(bytes).first(length); }
};

}  // namespace bh::vmm::soft
