#pragma once

#include <array>
#include <cstdint>

#include "tests/isa/case.h"

namespace bh::isa {

enum class EncodingKind : std::uint8_t { Legacy, Vex, Xop, Evex };

/// The parts of an instruction's encoding that choose the instruction (SDM vol. 2, 2.1 to 2.3 and
/// 2.7). Registers, addresses and values are in Fields.
struct Encoding {
  EncodingKind kind = EncodingKind::Legacy;
  std::array<std::uint8_t, 3> prefixes{};  // 0 ends the list.
  std::uint8_t map = 0;                    // Legacy: 0 one byte, 1 0F, 2 0F38, 3 0F3A; else mmmmm.
  std::uint8_t opcode = 0;
  bool wide = false;               // REX.W or VEX.W.
  std::uint8_t length_bits = 0;    // VEX.L, EVEX.L'L.
  std::uint8_t vector_prefix = 0;  // VEX.pp.
  std::uint8_t vvvv = 0;           // Not inverted.
  bool has_modrm = false;
  std::uint8_t tail_size = 0;      // Immediates and absolute addresses, in bytes.
  std::uint8_t tail_fixed = 0xff;  // 3DNow!: the byte that ends the instruction, 0xff for none.

  friend bool operator==(Encoding const&, Encoding const&) = default;
};

/// The rest of an instruction.
struct Fields {
  std::array<std::uint8_t, 3> extra_prefixes{};  // Before all others; 0 ends the list.
  bool force_rex = false;
  bool extend_reg = false;              // REX.R
  bool extend_index = false;            // REX.X
  bool extend_base = false;             // REX.B
  std::uint8_t opcode_register = 0xff;  // Low three bits of the opcode, 0xff: as in the encoding.
  std::uint8_t modrm = 0;
  std::uint8_t sib = 0;
  std::uint32_t displacement = 0;
  std::uint64_t tail = 0;
  bool short_vex = false;  // Two-byte VEX where possible.
};

/// Whether this ModRM byte is followed by a SIB byte, and by how many bytes of displacement.
bool has_sib(std::uint8_t modrm);
unsigned displacement_size(std::uint8_t modrm, std::uint8_t sib);

struct Assembled {
  std::array<std::uint8_t, 32> bytes{};
  std::uint8_t length = 0;
  std::uint8_t displacement_at = 0;  // 0 if there is none.
  std::uint8_t header_length = 0;    // All before SIB.
};

Assembled assemble(Encoding const& encoding, Fields const& fields);

}  // namespace bh::isa
