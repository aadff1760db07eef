#include "vmm/soft/translate/instruction_copy.h"

#include <optional>

namespace bh::vmm::soft {

namespace {

constexpr unsigned kRexW = 8;
constexpr unsigned kRexR = 4;
constexpr unsigned kRexX = 2;
constexpr unsigned kRexB = 1;

bool is_dropped_prefix(std::uint8_t value) {
  constexpr std::uint8_t kAddressSize = 0x67;
  return value == 0x26 || value == 0x2e || value == 0x36 || value == 0x3e || value == 0x64 ||
         value == 0x65 || value == kAddressSize;
}
bool is_kept_prefix(std::uint8_t value) {
  return value == 0x66 || value == 0xf0 || value == 0xf2 || value == 0xf3;
}

unsigned rex_of(Instruction const& instruction) {
  auto const& raw = instruction.decoded.raw;
  bool const has = (instruction.decoded.attributes & ZYDIS_ATTRIB_HAS_REX) != 0;
  return has ? instruction.bytes[raw.rex.offset] & 0xfu : 0;
}

/// Bytes behind the memory operand: immediates, or the opcode of 3DNow.
std::span<std::uint8_t const> tail_of(Instruction const& instruction) {
  auto const& raw = instruction.decoded.raw;
  unsigned start = raw.modrm.offset + 1u;
  if (raw.sib.offset != 0) start = raw.sib.offset + 1u;
  if (raw.disp.size != 0) start = raw.disp.offset + raw.disp.size / 8u;
  return std::span(instruction.bytes).subspan(start, instruction.decoded.length - start);
}

void operand(Assembler& out, Instruction const& instruction, Gpr base, std::optional<Gpr> index) {
  auto const& decoded = instruction.decoded;
  auto const& raw = decoded.raw;
  unsigned const reg = raw.modrm.reg;
  unsigned const extension = (base >= R8 ? kRexB : 0) | (index && *index >= R8 ? kRexX : 0);
  if (decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
    // The three-byte form: inverted R, X and B, and the map; then W, inverted vvvv, L and pp.
    constexpr unsigned kMap0F = 1;
    bool const three = raw.vex.size == 3;
    unsigned const first = instruction.bytes[raw.vex.offset + 1u];
    unsigned const last = three ? instruction.bytes[raw.vex.offset + 2u] : first & 0x7fu;
    out.byte(0xc4);
    out.byte((first & 0x80) | (~extension & 3u) << 5 | (three ? first & 0x1f : kMap0F));
    out.byte(last);
    out.byte(decoded.opcode);
  } else {
    unsigned position = 0;
    for (; is_kept_prefix(instruction.bytes[position]) ||
           is_dropped_prefix(instruction.bytes[position]);
         ++position) {
      if (is_kept_prefix(instruction.bytes[position])) out.byte(instruction.bytes[position]);
    }
    unsigned const rex = rex_of(instruction);
    if ((decoded.attributes & ZYDIS_ATTRIB_HAS_REX) != 0) position = raw.rex.offset + 1u;
    out.byte(0x40 | (rex & (kRexW | kRexR)) | extension);
    for (; position < raw.modrm.offset; ++position) out.byte(instruction.bytes[position]);
  }
  if (index) {
    out.sum(reg, base, *index);
  } else {
    out.at(reg, base, 0);
  }
  out.bytes(tail_of(instruction));
}

}  // namespace

void copy_address(Assembler& out, Instruction const& instruction, Gpr to) {
  auto const& raw = instruction.decoded.raw;
  unsigned rex = rex_of(instruction) & (kRexX | kRexB);
  if (instruction.decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
    // X and B are stored inverted, and the two-byte form has neither.
    unsigned const inverted = raw.vex.size == 3 ? instruction.bytes[raw.vex.offset + 1u] : 0x60u;
    rex = ~(inverted >> 5) & 3u;
  }
  out.byte(0x40 | kRexW | (to >= R8 ? kRexR : 0) | rex);
  out.byte(0x8d);
  unsigned const start = raw.modrm.offset;
  unsigned const end =
      instruction.decoded.length - static_cast<unsigned>(tail_of(instruction).size());
  out.byte((instruction.bytes[start] & 0xc7u) | (to & 7u) << 3);
  out.bytes(std::span(instruction.bytes).subspan(start + 1u, end - start - 1u));
}

void copy_with_operand(Assembler& out, Instruction const& instruction, Gpr base) {
  operand(out, instruction, base, std::nullopt);
}

void copy_with_operand(Assembler& out, Instruction const& instruction, Gpr base, Gpr index) {
  operand(out, instruction, base, index);
}

}  // namespace bh::vmm::soft
