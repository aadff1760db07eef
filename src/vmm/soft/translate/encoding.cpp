#include "vmm/soft/translate/encoding.h"

#include <algorithm>

namespace bh::vmm::soft {

namespace {

/// Of the bytes behind the opcode's operands: immediates, or the opcode of 3DNow.
std::uint8_t tail_of(ZydisDecodedInstruction const& decoded) {
  auto const& raw = decoded.raw;
  unsigned start = raw.modrm.offset + 1u;
  if (raw.sib.offset != 0) start = raw.sib.offset + 1u;
  if (raw.disp.size != 0) start = raw.disp.offset + raw.disp.size / 8u;
  return static_cast<std::uint8_t>(start);
}

}  // namespace

Encoding Encoding::of(Instruction const& instruction) {
  auto const& decoded = instruction.decoded;
  auto const& raw = decoded.raw;
  bool const vex = decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  Encoding out;
  std::copy_n(instruction.bytes.begin(), decoded.length, out.bytes.begin());
  out.length = decoded.length;
  out.has_rex = (decoded.attributes & ZYDIS_ATTRIB_HAS_REX) != 0;
  out.rex = out.has_rex ? raw.rex.offset : 0;
  out.vex_size = vex ? raw.vex.size : 0;
  out.vex = vex ? raw.vex.offset : 0;
  out.modrm = raw.modrm.offset;
  out.opcode = raw.modrm.offset != 0 ? static_cast<std::uint8_t>(raw.modrm.offset - 1) : 0;
  out.tail = tail_of(decoded);
  if (raw.imm[1].size == 0) {
    out.immediate = raw.imm[0].offset;
    out.immediate_size = static_cast<std::uint8_t>(raw.imm[0].size / 8);
  }
  return out;
}

}  // namespace bh::vmm::soft
