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

unsigned rex_of(Encoding const& code) {
  return code.has_rex ? code.bytes[code.rex] & 0xfu : 0;
}

void operand(Assembler& out, Encoding const& code, Gpr base, std::optional<Gpr> index) {
  unsigned const reg = code.bytes[code.modrm] >> 3 & 7u;
  unsigned const extension = (base >= R8 ? kRexB : 0) | (index && *index >= R8 ? kRexX : 0);
  if (code.vex_size != 0) {
    // The three-byte form: inverted R, X and B, and the map; then W, inverted vvvv, L and pp.
    constexpr unsigned kMap0F = 1;
    bool const three = code.vex_size == 3;
    unsigned const first = code.bytes[code.vex + 1u];
    unsigned const last = three ? code.bytes[code.vex + 2u] : first & 0x7fu;
    out.byte(0xc4);
    out.byte((first & 0x80) | (~extension & 3u) << 5 | (three ? first & 0x1f : kMap0F));
    out.byte(last);
    out.byte(code.bytes[code.opcode]);
  } else {
    unsigned position = 0;
    for (; is_kept_prefix(code.bytes[position]) || is_dropped_prefix(code.bytes[position]);
         ++position) {
      if (is_kept_prefix(code.bytes[position])) out.byte(code.bytes[position]);
    }
    unsigned const rex = rex_of(code);
    if (code.has_rex) position = code.rex + 1u;
    out.byte(0x40 | (rex & (kRexW | kRexR)) | extension);
    for (; position < code.modrm; ++position) out.byte(code.bytes[position]);
  }
  if (index) {
    out.sum(reg, base, *index);
  } else {
    out.at(reg, base, 0);
  }
  out.bytes(code.all().subspan(code.tail));
}

}  // namespace

void copy_address(Assembler& out, Encoding const& code, Gpr to) {
  unsigned rex = rex_of(code) & (kRexX | kRexB);
  if (code.vex_size != 0) {
    // X and B are stored inverted, and the two-byte form has neither.
    unsigned const inverted = code.vex_size == 3 ? code.bytes[code.vex + 1u] : 0x60u;
    rex = ~(inverted >> 5) & 3u;
  }
  out.byte(0x40 | kRexW | (to >= R8 ? kRexR : 0) | rex);
  out.byte(0x8d);
  out.byte((code.bytes[code.modrm] & 0xc7u) | (to & 7u) << 3);
  out.bytes(std::span(code.bytes).subspan(code.modrm + 1u, code.tail - code.modrm - 1u));
}

void copy_with_operand(Assembler& out, Encoding const& code, Gpr base) {
  operand(out, code, base, std::nullopt);
}

void copy_with_operand(Assembler& out, Encoding const& code, Gpr base, Gpr index) {
  operand(out, code, base, index);
}

}  // namespace bh::vmm::soft
