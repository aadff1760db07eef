#include "vmm/soft/decode/treatment.h"

#include <array>

#include "vmm/soft/step/handlers.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

enum class Block : bool { GoesOn, Ends };

struct Row {
  ZydisMnemonic mnemonic;
  Handler handler;
  Block block = Block::GoesOn;
};

/// Instructions with a handler of their own whatever their operands are.
constexpr Row kRows[] = {
    // Moves and fillers
    {ZYDIS_MNEMONIC_LEA, lea},
    {ZYDIS_MNEMONIC_XLAT, xlat},
    {ZYDIS_MNEMONIC_MASKMOVQ, mask_move},
    {ZYDIS_MNEMONIC_MASKMOVDQU, mask_move},
    {ZYDIS_MNEMONIC_VMASKMOVDQU, mask_move},
    {ZYDIS_MNEMONIC_VMASKMOVPS, mask_move_dwords},
    {ZYDIS_MNEMONIC_VPMASKMOVD, mask_move_dwords},
    {ZYDIS_MNEMONIC_VMASKMOVPD, mask_move_qwords},
    {ZYDIS_MNEMONIC_VPMASKMOVQ, mask_move_qwords},
    {ZYDIS_MNEMONIC_VGATHERDPS, gather},
    {ZYDIS_MNEMONIC_VGATHERDPD, gather},
    {ZYDIS_MNEMONIC_VGATHERQPS, gather},
    {ZYDIS_MNEMONIC_VGATHERQPD, gather},
    {ZYDIS_MNEMONIC_VPGATHERDD, gather},
    {ZYDIS_MNEMONIC_VPGATHERDQ, gather},
    {ZYDIS_MNEMONIC_VPGATHERQD, gather},
    {ZYDIS_MNEMONIC_VPGATHERQQ, gather},
    {ZYDIS_MNEMONIC_VZEROUPPER, zero_upper},
    {ZYDIS_MNEMONIC_VZEROALL, zero_all},
    {ZYDIS_MNEMONIC_NOP, no_operation},
    {ZYDIS_MNEMONIC_PAUSE, pause},
    // Stack
    {ZYDIS_MNEMONIC_ENTER, enter},
    {ZYDIS_MNEMONIC_LEAVE, leave},
    {ZYDIS_MNEMONIC_PUSHF, pushf},
    {ZYDIS_MNEMONIC_PUSHFD, pushf},
    {ZYDIS_MNEMONIC_PUSHFQ, pushf},
    {ZYDIS_MNEMONIC_POPF, popf, Block::Ends},
    {ZYDIS_MNEMONIC_POPFD, popf, Block::Ends},
    {ZYDIS_MNEMONIC_POPFQ, popf, Block::Ends},
    {ZYDIS_MNEMONIC_PUSHA, pusha},
    {ZYDIS_MNEMONIC_PUSHAD, pusha},
    {ZYDIS_MNEMONIC_POPA, popa},
    {ZYDIS_MNEMONIC_POPAD, popa},
    // Near branches
    {ZYDIS_MNEMONIC_JB, jump_conditional},
    {ZYDIS_MNEMONIC_JBE, jump_conditional},
    {ZYDIS_MNEMONIC_JL, jump_conditional},
    {ZYDIS_MNEMONIC_JLE, jump_conditional},
    {ZYDIS_MNEMONIC_JNB, jump_conditional},
    {ZYDIS_MNEMONIC_JNBE, jump_conditional},
    {ZYDIS_MNEMONIC_JNL, jump_conditional},
    {ZYDIS_MNEMONIC_JNLE, jump_conditional},
    {ZYDIS_MNEMONIC_JNO, jump_conditional},
    {ZYDIS_MNEMONIC_JNP, jump_conditional},
    {ZYDIS_MNEMONIC_JNS, jump_conditional},
    {ZYDIS_MNEMONIC_JNZ, jump_conditional},
    {ZYDIS_MNEMONIC_JO, jump_conditional},
    {ZYDIS_MNEMONIC_JP, jump_conditional},
    {ZYDIS_MNEMONIC_JS, jump_conditional},
    {ZYDIS_MNEMONIC_JZ, jump_conditional},
    {ZYDIS_MNEMONIC_LOOP, loop, Block::Ends},
    {ZYDIS_MNEMONIC_LOOPE, loop, Block::Ends},
    {ZYDIS_MNEMONIC_LOOPNE, loop, Block::Ends},
    {ZYDIS_MNEMONIC_JCXZ, jump_if_zero, Block::Ends},
    {ZYDIS_MNEMONIC_JECXZ, jump_if_zero, Block::Ends},
    {ZYDIS_MNEMONIC_JRCXZ, jump_if_zero, Block::Ends},
    // Strings
    {ZYDIS_MNEMONIC_MOVSB, move_string},
    {ZYDIS_MNEMONIC_MOVSW, move_string},
    {ZYDIS_MNEMONIC_MOVSQ, move_string},
    {ZYDIS_MNEMONIC_STOSB, store_string},
    {ZYDIS_MNEMONIC_STOSW, store_string},
    {ZYDIS_MNEMONIC_STOSD, store_string},
    {ZYDIS_MNEMONIC_STOSQ, store_string},
    {ZYDIS_MNEMONIC_LODSB, load_string},
    {ZYDIS_MNEMONIC_LODSW, load_string},
    {ZYDIS_MNEMONIC_LODSD, load_string},
    {ZYDIS_MNEMONIC_LODSQ, load_string},
    {ZYDIS_MNEMONIC_CMPSB, compare_string},
    {ZYDIS_MNEMONIC_CMPSW, compare_string},
    {ZYDIS_MNEMONIC_CMPSQ, compare_string},
    {ZYDIS_MNEMONIC_SCASB, scan_string},
    {ZYDIS_MNEMONIC_SCASW, scan_string},
    {ZYDIS_MNEMONIC_SCASD, scan_string},
    {ZYDIS_MNEMONIC_SCASQ, scan_string},
    {ZYDIS_MNEMONIC_INSB, ins},
    {ZYDIS_MNEMONIC_INSW, ins},
    {ZYDIS_MNEMONIC_INSD, ins},
    {ZYDIS_MNEMONIC_OUTSB, outs},
    {ZYDIS_MNEMONIC_OUTSW, outs},
    {ZYDIS_MNEMONIC_OUTSD, outs},
    // Segments and descriptor tables
    {ZYDIS_MNEMONIC_LDS, lds},
    {ZYDIS_MNEMONIC_LES, les},
    {ZYDIS_MNEMONIC_LFS, lfs},
    {ZYDIS_MNEMONIC_LGS, lgs},
    {ZYDIS_MNEMONIC_LSS, lss},
    {ZYDIS_MNEMONIC_LGDT, lgdt},
    {ZYDIS_MNEMONIC_LIDT, lidt},
    {ZYDIS_MNEMONIC_SGDT, sgdt},
    {ZYDIS_MNEMONIC_SIDT, sidt},
    {ZYDIS_MNEMONIC_LLDT, lldt},
    {ZYDIS_MNEMONIC_LTR, ltr},
    {ZYDIS_MNEMONIC_SLDT, sldt},
    {ZYDIS_MNEMONIC_STR, str},
    {ZYDIS_MNEMONIC_LAR, lar},
    {ZYDIS_MNEMONIC_LSL, lsl},
    {ZYDIS_MNEMONIC_VERR, verr},
    {ZYDIS_MNEMONIC_VERW, verw},
    {ZYDIS_MNEMONIC_ARPL, arpl},
    // Returns, system calls, software interrupts
    {ZYDIS_MNEMONIC_IRET, iret, Block::Ends},
    {ZYDIS_MNEMONIC_IRETD, iret, Block::Ends},
    {ZYDIS_MNEMONIC_IRETQ, iret, Block::Ends},
    {ZYDIS_MNEMONIC_SYSCALL, syscall_, Block::Ends},
    {ZYDIS_MNEMONIC_SYSRET, sysret, Block::Ends},
    {ZYDIS_MNEMONIC_SYSENTER, sysenter, Block::Ends},
    {ZYDIS_MNEMONIC_SYSEXIT, sysexit, Block::Ends},
    {ZYDIS_MNEMONIC_VMCALL, vmcall, Block::Ends},
    {ZYDIS_MNEMONIC_VMMCALL, vmcall, Block::Ends},
    {ZYDIS_MNEMONIC_INT, int_n, Block::Ends},
    {ZYDIS_MNEMONIC_INT3, int3, Block::Ends},
    {ZYDIS_MNEMONIC_INT1, int1, Block::Ends},
    {ZYDIS_MNEMONIC_INTO, into},
    {ZYDIS_MNEMONIC_BOUND, bound},
    {ZYDIS_MNEMONIC_UD0, undefined, Block::Ends},
    {ZYDIS_MNEMONIC_UD1, undefined, Block::Ends},
    {ZYDIS_MNEMONIC_UD2, undefined, Block::Ends},
    // Control registers, caches, MSRs, time
    {ZYDIS_MNEMONIC_CLTS, clts},
    {ZYDIS_MNEMONIC_LMSW, lmsw, Block::Ends},
    {ZYDIS_MNEMONIC_SMSW, smsw},
    {ZYDIS_MNEMONIC_XGETBV, xgetbv},
    {ZYDIS_MNEMONIC_XSETBV, xsetbv, Block::Ends},
    {ZYDIS_MNEMONIC_INVLPG, invlpg, Block::Ends},
    {ZYDIS_MNEMONIC_WBINVD, wbinvd},
    {ZYDIS_MNEMONIC_INVD, wbinvd},
    {ZYDIS_MNEMONIC_CLFLUSH, clflush},
    {ZYDIS_MNEMONIC_CLFLUSHOPT, clflush},
    {ZYDIS_MNEMONIC_CLWB, clflush},
    {ZYDIS_MNEMONIC_RDMSR, rdmsr},
    {ZYDIS_MNEMONIC_WRMSR, wrmsr},
    {ZYDIS_MNEMONIC_RDPMC, rdpmc},
    {ZYDIS_MNEMONIC_CPUID, cpuid},
    {ZYDIS_MNEMONIC_RDTSC, rdtsc},
    {ZYDIS_MNEMONIC_RDTSCP, rdtscp},
    // Flags and waiting
    {ZYDIS_MNEMONIC_CLI, cli},
    {ZYDIS_MNEMONIC_STI, sti, Block::Ends},
    {ZYDIS_MNEMONIC_CLD, cld},
    {ZYDIS_MNEMONIC_STD, std_},
    {ZYDIS_MNEMONIC_CLC, clc},
    {ZYDIS_MNEMONIC_STC, stc},
    {ZYDIS_MNEMONIC_CMC, cmc},
    {ZYDIS_MNEMONIC_LAHF, lahf},
    {ZYDIS_MNEMONIC_SAHF, sahf},
    {ZYDIS_MNEMONIC_HLT, hlt, Block::Ends},
    // FS and GS bases
    {ZYDIS_MNEMONIC_RDFSBASE, rdfsbase},
    {ZYDIS_MNEMONIC_RDGSBASE, rdgsbase},
    {ZYDIS_MNEMONIC_WRFSBASE, wrfsbase},
    {ZYDIS_MNEMONIC_WRGSBASE, wrgsbase},
    {ZYDIS_MNEMONIC_SWAPGS, swapgs},
    // x87, SSE and AVX state
    {ZYDIS_MNEMONIC_FXSAVE, fxsave},
    {ZYDIS_MNEMONIC_FXSAVE64, fxsave64},
    {ZYDIS_MNEMONIC_FXRSTOR, fxrstor},
    {ZYDIS_MNEMONIC_FXRSTOR64, fxrstor64},
    {ZYDIS_MNEMONIC_XSAVE, xsave},
    {ZYDIS_MNEMONIC_XSAVE64, xsave},
    {ZYDIS_MNEMONIC_XSAVEOPT, xsave},
    {ZYDIS_MNEMONIC_XSAVEOPT64, xsave},
    {ZYDIS_MNEMONIC_XRSTOR, xrstor},
    {ZYDIS_MNEMONIC_XRSTOR64, xrstor},
    {ZYDIS_MNEMONIC_LDMXCSR, ldmxcsr},
    {ZYDIS_MNEMONIC_STMXCSR, stmxcsr},
    {ZYDIS_MNEMONIC_VLDMXCSR, ldmxcsr},
    {ZYDIS_MNEMONIC_VSTMXCSR, stmxcsr},
    {ZYDIS_MNEMONIC_FWAIT, fwait},
    // Outside 64-bit mode only
    {ZYDIS_MNEMONIC_AAA, aaa},
    {ZYDIS_MNEMONIC_AAS, aas},
    {ZYDIS_MNEMONIC_AAM, aam},
    {ZYDIS_MNEMONIC_AAD, aad},
    {ZYDIS_MNEMONIC_DAA, daa},
    {ZYDIS_MNEMONIC_DAS, das},
    {ZYDIS_MNEMONIC_SALC, salc},
};

using Table = std::array<Treatment, ZYDIS_MNEMONIC_MAX_VALUE + 1>;

constexpr Table make_table() {
  Table table{};
  for (auto const& row : kRows) {
    table[row.mnemonic] = {.handler = row.handler, .ends_block = row.block == Block::Ends};
  }
  return table;
}
constexpr Table kTable = make_table();

constexpr Treatment kInvalid{.handler = invalid_opcode, .ends_block = true};

/// Instruction sets the host executes for the guest.
bool is_native(ZydisISASet isa) {
  switch (isa) {
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_PENTIUMREAL:
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_PPRO:
    case ZYDIS_ISA_SET_CMOV:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_LONGMODE:
    case ZYDIS_ISA_SET_CMPXCHG16B:
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSE3X87:
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX:
    case ZYDIS_ISA_SET_SSE4:
    case ZYDIS_ISA_SET_SSE42:
    case ZYDIS_ISA_SET_POPCNT:
    case ZYDIS_ISA_SET_LZCNT:
    case ZYDIS_ISA_SET_BMI1:
    case ZYDIS_ISA_SET_BMI2:
    case ZYDIS_ISA_SET_ADOX_ADCX:
    case ZYDIS_ISA_SET_MOVBE:
    case ZYDIS_ISA_SET_AES:
    case ZYDIS_ISA_SET_PCLMULQDQ:
    case ZYDIS_ISA_SET_SHA:
    case ZYDIS_ISA_SET_RDRAND:
    case ZYDIS_ISA_SET_RDSEED:
    case ZYDIS_ISA_SET_AVX:
    case ZYDIS_ISA_SET_AVX2:
    case ZYDIS_ISA_SET_AVXAES:
    case ZYDIS_ISA_SET_F16C:
    case ZYDIS_ISA_SET_FMA: return true;
    default: return false;
  }
}

bool is_filler(ZydisDecodedInstruction const& decoded) {
  if (decoded.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return false;
  if (decoded.meta.isa_set == ZYDIS_ISA_SET_PREFETCHWT1) return true;
  auto const category = decoded.meta.category;
  return category == ZYDIS_CATEGORY_PREFETCH || category == ZYDIS_CATEGORY_WIDENOP ||
         category == ZYDIS_CATEGORY_NOP;
}

ZydisRegisterClass class_of(ZydisDecodedOperand const& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) return ZYDIS_REGCLASS_INVALID;
  return ZydisRegisterGetClass(operand.reg.value);
}

Treatment treat_move(Instruction const& instruction) {
  auto const& to = instruction.operands[0];
  auto const& from = instruction.operands[1];
  switch (class_of(to)) {
    case ZYDIS_REGCLASS_SEGMENT: return {.handler = mov_to_segment};
    case ZYDIS_REGCLASS_CONTROL: return {.handler = mov_to_cr, .ends_block = true};
    case ZYDIS_REGCLASS_DEBUG: return {.handler = mov_to_dr};
    default: break;
  }
  switch (class_of(from)) {
    case ZYDIS_REGCLASS_SEGMENT: return {.handler = mov_from_segment};
    case ZYDIS_REGCLASS_CONTROL: return {.handler = mov_from_cr};
    case ZYDIS_REGCLASS_DEBUG: return {.handler = mov_from_dr};
    default: break;
  }
  bool const immediate = from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  if (to.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    return {.handler = immediate ? move_store_immediate : move_store};
  }
  if (from.type == ZYDIS_OPERAND_TYPE_MEMORY) return {.handler = move_load};
  return {.handler = immediate ? move_immediate : move_register};
}

Treatment treat_branch(Instruction const& instruction, Handler far, Handler relative,
                       Handler indirect) {
  auto const& decoded = instruction.decoded;
  if (decoded.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
    return {.handler = far, .ends_block = true};
  bool const immediate = instruction.operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  return {.handler = immediate ? relative : indirect, .ends_block = true};
}

Treatment treat_port(Instruction const& instruction, unsigned port_operand, Handler immediate,
                     Handler by_dx) {
  bool const is_immediate = instruction.operands[port_operand].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  return {.handler = is_immediate ? immediate : by_dx};
}

/// Mnemonics whose operands decide.
Treatment treat_by_operands(Instruction const& instruction) {
  auto const& first = instruction.operands[0];
  bool const segment = class_of(first) == ZYDIS_REGCLASS_SEGMENT;
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_MOV: return treat_move(instruction);
    case ZYDIS_MNEMONIC_PUSH: return {.handler = segment ? push_segment : push_operand};
    case ZYDIS_MNEMONIC_POP: return {.handler = segment ? pop_segment : pop_operand};
    case ZYDIS_MNEMONIC_JMP:
      return treat_branch(instruction, jmp_far, jump_relative, jump_indirect);
    case ZYDIS_MNEMONIC_CALL:
      return treat_branch(instruction, call_far, call_relative, call_indirect);
    case ZYDIS_MNEMONIC_RET: return treat_branch(instruction, ret_far, ret_near, ret_near);
    case ZYDIS_MNEMONIC_IN: return treat_port(instruction, 1, in_immediate, in_dx);
    case ZYDIS_MNEMONIC_OUT: return treat_port(instruction, 0, out_immediate, out_dx);
    // The SSE2 instruction of this name shares it with the string instruction.
    case ZYDIS_MNEMONIC_MOVSD:
      if (instruction.decoded.meta.category == ZYDIS_CATEGORY_STRINGOP)
        return {.handler = move_string};
      break;
    case ZYDIS_MNEMONIC_CMPSD:
      if (instruction.decoded.meta.category == ZYDIS_CATEGORY_STRINGOP) {
        return {.handler = compare_string};
      }
      break;
    default: break;
  }
  return {};
}

Treatment treat_natively(Instruction const& instruction) {
  bool const memory = [&] {
    for (auto const& operand : instruction.visible_operands()) {
      if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) return true;
    }
    return false;
  }();
  if (!memory) return {.handler = native_registers, .native = true};
  bool const bit_string = instruction.decoded.meta.category == ZYDIS_CATEGORY_BITBYTE &&
                          instruction.decoded.operand_count_visible == 2 &&
                          instruction.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
                          instruction.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
  return {.handler = bit_string ? native_bit_string : native_memory, .native = true};
}

}  // namespace

Treatment treatment_of(Instruction const& instruction) {
  auto const& decoded = instruction.decoded;
  bool const plain_encoding = decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
                              decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  if (!plain_encoding) return kInvalid;
  if (auto const& treatment = kTable[decoded.mnemonic]; treatment.handler != nullptr) {
    return treatment;
  }
  if (is_filler(decoded)) return {.handler = no_operation};
  if (auto const treatment = treat_by_operands(instruction); treatment.handler != nullptr) {
    return treatment;
  }
  if (is_native(decoded.meta.isa_set)) return treat_natively(instruction);
  return kInvalid;
}

}  // namespace bh::vmm::soft
