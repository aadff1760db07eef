#include "vmm/soft/decode/op_builder.h"

#include <iterator>

#include "vmm/soft/native/rewrite.h"

namespace bh::vmm::soft {

namespace {

std::uint8_t slot_of(ZydisRegister reg) {
  if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP) return kRipSlot;
  auto const general = general_register(reg);
  return general ? static_cast<std::uint8_t>(*general) : kZeroSlot;
}

std::uint8_t register_code(ZydisRegister reg) {
  if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
    return static_cast<std::uint8_t>((reg - ZYDIS_REGISTER_AH) | kHighByte);
  }
  if (auto const general = general_register(reg)) return *general;
  return static_cast<std::uint8_t>(ZydisRegisterGetId(reg));
}

FpuUse fpu_use(Instruction const& instruction) {
  auto const& decoded = instruction.decoded;
  FpuUse use = FpuUse::None;
  switch (decoded.meta.isa_set) {
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_SSE3X87: return FpuUse::X87;
    default: break;
  }
  for (auto const& operand : instruction.all_operands()) {
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    switch (ZydisRegisterGetClass(operand.reg.value)) {
      case ZYDIS_REGCLASS_X87: return FpuUse::X87;  // FISTTP
      case ZYDIS_REGCLASS_MMX: return FpuUse::Mmx;
      case ZYDIS_REGCLASS_XMM:
      case ZYDIS_REGCLASS_YMM: use = FpuUse::Sse; break;
      default: break;
    }
    if (operand.reg.value == ZYDIS_REGISTER_MXCSR) use = FpuUse::Sse;
  }
  // Conversions of a memory operand to a general register name no XMM register.
  bool const sse =
      decoded.meta.isa_set == ZYDIS_ISA_SET_SSE || decoded.meta.isa_set == ZYDIS_ISA_SET_SSE2;
  if (use == FpuUse::None && sse && decoded.meta.category == ZYDIS_CATEGORY_CONVERT) {
    use = FpuUse::Sse;
  }
  if (use != FpuUse::None && decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) return FpuUse::Avx;
  switch (decoded.meta.isa_set) {
    case ZYDIS_ISA_SET_AVX: return FpuUse::Avx;         // VZEROUPPER and VZEROALL
    case ZYDIS_ISA_SET_PENTIUMMMX: return FpuUse::Mmx;  // EMMS
    default: return use;
  }
}

OperandAccess access_of(ZydisOperandActions actions) {
  bool const reads = (actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
  bool const writes = (actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
  // A conditional write (CMPXCHG, CMOV to memory) needs the right to write and the old bytes.
  bool const conditional = (actions & ZYDIS_OPERAND_ACTION_CONDWRITE) != 0;
  if (writes) return reads || conditional ? OperandAccess::ReadWrite : OperandAccess::Write;
  return OperandAccess::Read;
}

void add_memory(Op& op, ZydisDecodedOperand const& operand, Instruction const& instruction) {
  auto const& memory = operand.mem;
  op.has_memory = true;
  // LEA and its like only compute the address.
  bool const touched = memory.type != ZYDIS_MEMOP_TYPE_AGEN;
  op.memory_size = touched ? static_cast<std::uint16_t>(operand.size / 8) : 0;
  op.memory_access = access_of(operand.actions);
  op.base = slot_of(memory.base);
  op.index = slot_of(memory.index);
  switch (memory.scale) {
    case 2: op.scale = 1; break;
    case 4: op.scale = 2; break;
    case 8: op.scale = 3; break;
    default: op.scale = 0; break;
  }
  op.displacement = memory.disp.value;
  // With a 67 prefix and REX.B the decoder takes "no base, disp32" (mod 0, SIB base 5) for R13D.
  auto const& raw = instruction.decoded.raw;
  if (raw.sib.offset != 0 && raw.modrm.mod == 0 && raw.sib.base == 5) {
    op.base = kZeroSlot;
    op.displacement = raw.disp.value;
  }
  if (op.base == kRipSlot) op.displacement += op.end;
  op.segment_register = static_cast<std::uint8_t>(ZydisRegisterGetId(memory.segment));
  bool const flat = instruction.code_size == CodeSize::Bits64 && op.segment_register < Fs;
  op.segment = flat ? kZeroSegment : op.segment_register;
}

/// String instructions, XLAT and MASKMOV address memory without naming it.
void set_implicit_segment(Op& op, Instruction const& instruction) {
  auto const attributes = instruction.decoded.attributes;
  std::uint8_t segment = Ds;
  if ((attributes & ZYDIS_ATTRIB_HAS_SEGMENT_CS) != 0) segment = Cs;
  if ((attributes & ZYDIS_ATTRIB_HAS_SEGMENT_SS) != 0) segment = Ss;
  if ((attributes & ZYDIS_ATTRIB_HAS_SEGMENT_ES) != 0) segment = Es;
  if ((attributes & ZYDIS_ATTRIB_HAS_SEGMENT_FS) != 0) segment = Fs;
  if ((attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS) != 0) segment = Gs;
  op.segment_register = segment;
  bool const flat = instruction.code_size == CodeSize::Bits64 && segment < Fs;
  op.segment = flat ? kZeroSegment : segment;
}

void add_immediate(Op& op, ZydisDecodedOperand const& operand, bool first) {
  if (operand.type == ZYDIS_OPERAND_TYPE_POINTER) {
    op.immediate = static_cast<std::int64_t>(operand.ptr.segment) << 32 | operand.ptr.offset;
    return;
  }
  if (!first) {  // ENTER
    op.immediate |= static_cast<std::int64_t>(operand.imm.value.u & 0xff) << 16;
    return;
  }
  op.immediate = operand.imm.is_signed || operand.imm.is_relative
                     ? operand.imm.value.s
                     : static_cast<std::int64_t>(operand.imm.value.u);
}

std::optional<GatherShape> gather_shape(Instruction const& instruction) {
  unsigned data = 0;
  unsigned index = 0;
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VGATHERDPS:
    case ZYDIS_MNEMONIC_VPGATHERDD: data = 4, index = 4; break;
    case ZYDIS_MNEMONIC_VGATHERDPD:
    case ZYDIS_MNEMONIC_VPGATHERDQ: data = 8, index = 4; break;
    case ZYDIS_MNEMONIC_VGATHERQPS:
    case ZYDIS_MNEMONIC_VPGATHERQD: data = 4, index = 8; break;
    case ZYDIS_MNEMONIC_VGATHERQPD:
    case ZYDIS_MNEMONIC_VPGATHERQQ: data = 8, index = 8; break;
    default: return std::nullopt;
  }
  return GatherShape{
      .vector_size = static_cast<std::uint8_t>(instruction.decoded.avx.vector_length / 8),
      .data_size = static_cast<std::uint8_t>(data),
      .index_size = static_cast<std::uint8_t>(index)};
}

/// SDM vol. 1, 10.8.3 and 14.9: legacy SSE wants 16-byte operands aligned, AVX only what says so.
std::uint8_t required_alignment(Instruction const& instruction, Op const& op) {
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VMOVAPS:
    case ZYDIS_MNEMONIC_VMOVAPD:
    case ZYDIS_MNEMONIC_VMOVDQA:
    case ZYDIS_MNEMONIC_VMOVNTPS:
    case ZYDIS_MNEMONIC_VMOVNTPD:
    case ZYDIS_MNEMONIC_VMOVNTDQ:
    case ZYDIS_MNEMONIC_VMOVNTDQA: return static_cast<std::uint8_t>(op.memory_size);
    case ZYDIS_MNEMONIC_CVTPD2PI:
    case ZYDIS_MNEMONIC_CVTTPD2PI:
    case ZYDIS_MNEMONIC_CMPXCHG16B: return 16;
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM: return 0;
    default: break;
  }
  // Vendors differ: the host decides while it executes them.
  if (instruction.decoded.meta.isa_set == ZYDIS_ISA_SET_SHA) return 0;
  return op.fpu == FpuUse::Sse && op.memory_size == 16 ? 16 : 0;
}

std::uint16_t x87_opcode(Instruction const& instruction) {
  switch (instruction.decoded.mnemonic) {
    // They load or clear what is noted. Other control instructions leave it alone by themselves.
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FNINIT: return kNoX87Opcode;
    default: break;
  }
  auto const modrm = instruction.decoded.raw.modrm.offset;
  if (modrm == 0) return kNoX87Opcode;
  return static_cast<std::uint16_t>((instruction.decoded.opcode & 7) << 8 |
                                    instruction.bytes[modrm]);
}

bool waits_for_x87(Instruction const& instruction, Op const& op) {
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_FNSTCW:
    case ZYDIS_MNEMONIC_FNSTSW:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FNSAVE: return false;
    default: return op.fpu == FpuUse::X87 || op.fpu == FpuUse::Mmx;
  }
}

}  // namespace

Op build_op(Instruction const& instruction, std::uint16_t start) {
  auto const& decoded = instruction.decoded;
  Op op;
  op.start = start;
  op.end = static_cast<std::uint16_t>(start + decoded.length);
  op.address_size = static_cast<std::uint8_t>(decoded.address_width / 8);
  op.operand_size = static_cast<std::uint8_t>(decoded.operand_width / 8);
  op.condition = decoded.opcode & 0xf;
  op.lock = (decoded.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
  if ((decoded.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) != 0) {
    op.repeat = Repeat::Equal;
  }
  if ((decoded.attributes & ZYDIS_ATTRIB_HAS_REPNE) != 0) op.repeat = Repeat::NotEqual;
  op.fpu = fpu_use(instruction);

  bool first_immediate = true;
  unsigned position = 0;
  for (auto const& operand : instruction.visible_operands()) {
    switch (operand.type) {
      case ZYDIS_OPERAND_TYPE_REGISTER:
        if (position < std::size(op.reg)) op.reg[position] = register_code(operand.reg.value);
        break;
      case ZYDIS_OPERAND_TYPE_MEMORY:
        if (!op.has_memory) add_memory(op, operand, instruction);
        break;
      default:
        add_immediate(op, operand, first_immediate);
        first_immediate = false;
        break;
    }
    ++position;
  }
  if (auto const shape = gather_shape(instruction)) {
    op.immediate = shape->packed();
    op.reg[1] = static_cast<std::uint8_t>(ZydisRegisterGetId(instruction.operands[1].mem.index));
  }
  op.alignment = required_alignment(instruction, op);
  // A store that meets an unmasked error leaves memory as it is.
  if (op.fpu == FpuUse::X87 && op.memory_access == OperandAccess::Write) {
    op.memory_access = OperandAccess::ReadWrite;
  }
  if (op.fpu == FpuUse::X87) op.x87_opcode = x87_opcode(instruction);
  op.x87_waits = waits_for_x87(instruction, op);
  if (!op.has_memory) set_implicit_segment(op, instruction);
  return op;
}

}  // namespace bh::vmm::soft
