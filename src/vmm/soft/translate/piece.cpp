#include "vmm/soft/translate/piece.h"

#include "vmm/soft/decode/op_builder.h"
#include "vmm/soft/decode/treatment.h"
#include "vmm/soft/native/rewrite.h"
#include "vmm/soft/step/handlers.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/translate/scratch.h"

namespace bh::vmm::soft {

namespace {

constexpr std::size_t kLargestOperand = 64;

std::uint16_t bit_of(ZydisRegister reg) {
  auto const general = general_register(reg);
  return general ? static_cast<std::uint16_t>(1u << *general) : 0;
}

bool is_high_byte(ZydisRegister reg) {
  return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

bool names_high_byte(Instruction const& instruction) {
  for (auto const& operand : instruction.visible_operands()) {
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER && is_high_byte(operand.reg.value)) return true;
  }
  return false;
}

/// MMX instructions that need XMM registers or MXCSR, too.
bool uses_vector_state(Instruction const& instruction) {
  if (instruction.decoded.meta.category == ZYDIS_CATEGORY_CONVERT) return true;
  for (auto const& operand : instruction.all_operands()) {
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER &&
        ZydisRegisterGetClass(operand.reg.value) == ZYDIS_REGCLASS_XMM) {
      return true;
    }
  }
  return false;
}

bool has_vector_index(Instruction const& instruction) {
  for (auto const& operand : instruction.visible_operands()) {
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.type == ZYDIS_MEMOP_TYPE_VSIB) {
      return true;
    }
  }
  return false;
}

void note_registers(Piece& piece, Instruction const& instruction) {
  bool const scans = instruction.decoded.mnemonic == ZYDIS_MNEMONIC_BSF ||
                     instruction.decoded.mnemonic == ZYDIS_MNEMONIC_BSR;
  for (auto const& operand : instruction.all_operands()) {
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      piece.address_registers |= bit_of(operand.mem.base) | bit_of(operand.mem.index);
    }
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    auto const bit = bit_of(operand.reg.value);
    piece.registers |= bit;
    if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) piece.registers_written |= bit;
    // Writes of 32 bits clear the others; BSF and BSR of zero write nothing.
    bool const whole =
        !scans && operand.actions == ZYDIS_OPERAND_ACTION_WRITE && operand.size >= 32;
    if (!whole) piece.registers_kept |= bit;
  }
}

bool moves_stack(Piece const& piece, Instruction const& instruction) {
  auto const& op = piece.op;
  if (op.reg[0] != Rsp || op.operand_size != 8) return false;
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB: return instruction.operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    case ZYDIS_MNEMONIC_LEA: return op.base == Rsp && op.index == kZeroSlot && op.address_size == 8;
    default: return false;
  }
}

void note_flags(Piece& piece, Instruction const& instruction) {
  auto const* flags = instruction.decoded.cpu_flags;
  if (flags == nullptr) return;
  FlagSet const written = (flags->modified | flags->set_0 | flags->set_1) & kAllFlags;
  FlagSet const undefined = flags->undefined & kAllFlags;
  piece.reads = flags->tested & kAllFlags;
  piece.touches_flags = (written | undefined) != 0;
  switch (instruction.decoded.meta.category) {
    // By zero they leave all flags.
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE: break;
    // AF is undefined, and all CPUs clear it. Elsewhere undefined can mean left as it was.
    case ZYDIS_CATEGORY_LOGICAL: piece.kills = written | undefined; break;
    default: piece.kills = written;
  }
}

/// Whether it loads or stores the addresses of the last x87 instruction, which are not the guest's
/// while translated code runs.
bool shows_pointers(Instruction const& instruction) {
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FNSAVE: return true;
    default: return false;
  }
}

/// A native instruction without memory operand, or with one that can be probed.
PieceKind sort_native(Piece const& piece, Instruction const& instruction, TranslationMode mode) {
  if (instruction.decoded.mnemonic == ZYDIS_MNEMONIC_RSM) return PieceKind::Step;  // Always #UD.
  switch (piece.op.fpu) {
    case FpuUse::None: break;
    case FpuUse::Sse:
      if (!mode.sse) return PieceKind::Step;
      break;
    case FpuUse::X87:
    case FpuUse::Mmx:
      if (!mode.x87 || shows_pointers(instruction) || uses_vector_state(instruction)) {
        return PieceKind::Step;
      }
      // The last operand's address, which can be asked for, does not count the segment's base.
      if (piece.op.has_memory && piece.op.segment != kZeroSegment) return PieceKind::Step;
      break;
    case FpuUse::Avx:
      if (!mode.avx) return PieceKind::Step;
      break;
  }
  if (!piece.op.has_memory) return PieceKind::Copy;
  bool const probes = piece.op.address_size == 8 && piece.op.memory_size != 0 &&
                      piece.op.memory_size <= kLargestOperand && !names_high_byte(instruction) &&
                      !has_vector_index(instruction) && instruction.decoded.raw.modrm.offset != 0;
  // R11 and R15 hold the address: one of them can also be an operand, but not both.
  constexpr std::uint16_t kBoth = 1u << R11 | 1u << R15;
  if (!probes || (piece.registers & kBoth) == kBoth) return PieceKind::Step;
  return PieceKind::Memory;
}

PieceKind sort_push(Piece const& piece) {
  if (piece.op.operand_size != 8) return PieceKind::Step;
  if (!piece.op.has_memory) return PieceKind::Push;
  return piece.op.address_size == 8 ? PieceKind::PushMemory : PieceKind::Step;
}

PieceKind sort_pop(Piece const& piece) {
  if (piece.op.has_memory || piece.op.operand_size != 8) return PieceKind::Step;
  return PieceKind::Pop;
}

bool is_repeated_string(Piece const& piece) {
  return piece.op.repeat != Repeat::None && piece.op.address_size == 8 &&
         piece.op.segment == kZeroSegment;
}

PieceKind sort_bit_string(Piece const& piece) {
  bool const probes = piece.op.address_size == 8 && piece.op.operand_size >= 4;
  return probes && !Scratch::is_one(piece.op.reg[1]) ? PieceKind::BitString : PieceKind::Step;
}

/// For an instruction with a general register that is written or read alone.
PieceKind with_register(Piece const& piece, PieceKind kind) {
  bool const free =
      !piece.op.has_memory && !Scratch::is_one(piece.op.reg[0]) && piece.op.reg[0] != Rsp;
  return free ? kind : PieceKind::Step;
}

PieceKind sort_indirect(Piece const& piece, PieceKind kind) {
  if (piece.op.has_memory) {
    bool const probes = piece.op.address_size == 8 && piece.op.memory_size == 8;
    return probes ? kind : PieceKind::StepOut;
  }
  return piece.op.reg[0] == Rsp ? PieceKind::StepOut : kind;
}

PieceKind sort(Piece const& piece, Instruction const& instruction, Treatment const& treatment,
               TranslationMode mode) {
  auto const handler = treatment.handler;
  if (handler == no_operation) return PieceKind::Nothing;
  if (handler == native_registers || handler == native_memory) {
    return sort_native(piece, instruction, mode);
  }
  if (handler == move_register || handler == move_immediate || handler == move_load ||
      handler == move_store || handler == move_store_immediate) {
    return sort_native(piece, instruction, mode);
  }
  if (handler == zero_upper || handler == zero_all) {
    return mode.avx ? PieceKind::Copy : PieceKind::Step;
  }
  if (handler == fwait) return mode.x87 ? PieceKind::Copy : PieceKind::Step;
  if (handler == clc || handler == stc || handler == cmc || handler == lahf || handler == sahf) {
    return PieceKind::Copy;
  }
  if (handler == lea) {
    if (piece.op.base != kRipSlot) return PieceKind::Copy;
    bool const plain = piece.op.address_size == 8 && piece.op.operand_size >= 4;
    return plain ? PieceKind::LoadAddress : PieceKind::Step;
  }
  if (handler == push_operand) return sort_push(piece);
  if (handler == pop_operand) return sort_pop(piece);
  if (is_repeated_string(piece)) {
    if (handler == store_string) return PieceKind::FillString;
    if (handler == move_string) return PieceKind::CopyString;
  }
  if (handler == native_bit_string) return sort_bit_string(piece);
  if (handler == mov_from_segment && piece.op.reg[1] <= Gs) {
    return with_register(piece, PieceKind::ReadSegment);
  }
  if (piece.op.operand_size == 8) {
    if (handler == rdfsbase || handler == rdgsbase) {
      return with_register(piece, PieceKind::ReadBase);
    }
    if (handler == wrfsbase || handler == wrgsbase) {
      return with_register(piece, PieceKind::WriteBase);
    }
  }
  if (!mode.user) {
    if (handler == swapgs) return PieceKind::SwapGs;
    if (handler == cli) return PieceKind::ClearInterrupts;
    if (handler == sti) return PieceKind::SetInterrupts;
    if (handler == pushf && piece.op.operand_size == 8) return PieceKind::PushFlags;
  }
  if (handler == leave && piece.op.operand_size == 8) return PieceKind::Leave;
  if (handler == jump_relative) return PieceKind::Jump;
  if (handler == jump_conditional) return PieceKind::Branch;
  if (handler == call_relative) return PieceKind::Call;
  if (handler == jump_indirect) return sort_indirect(piece, PieceKind::JumpIndirect);
  if (handler == call_indirect) return sort_indirect(piece, PieceKind::CallIndirect);
  if (handler == ret_near) return PieceKind::Return;
  return treatment.ends_block ? PieceKind::StepOut : PieceKind::Step;
}

}  // namespace

std::optional<std::int32_t> stack_move_of(Op const& op, ZydisMnemonic mnemonic) {
  if (mnemonic == ZYDIS_MNEMONIC_LEA) return static_cast<std::int32_t>(op.displacement);
  std::int64_t const move = mnemonic == ZYDIS_MNEMONIC_SUB ? -op.immediate : op.immediate;
  if (move != static_cast<std::int32_t>(move)) return std::nullopt;
  return static_cast<std::int32_t>(move);
}

Piece make_piece(Instruction const& instruction, std::uint16_t start, TranslationMode mode) {
  Piece piece;
  piece.encoding = Encoding::of(instruction);
  piece.op = build_op(instruction, start);
  note_registers(piece, instruction);
  note_flags(piece, instruction);
  auto const treatment = treatment_of(instruction);
  piece.kind = sort(piece, instruction, treatment, mode);
  if (!treatment.native) piece.op.handler = treatment.handler;
  if (piece.kind == PieceKind::Copy && moves_stack(piece, instruction)) {
    piece.stack_move = stack_move_of(piece.op, instruction.decoded.mnemonic);
  }
  bool const copied = piece.kind == PieceKind::Copy || piece.kind == PieceKind::Memory;
  piece.vectors = copied && (piece.op.fpu == FpuUse::Sse || piece.op.fpu == FpuUse::Avx);
  piece.clears_wide = copied && (treatment.handler == zero_upper || treatment.handler == zero_all);
  piece.wide = copied && piece.op.fpu == FpuUse::Avx && !piece.clears_wide;
  piece.x87 = copied && (piece.op.fpu == FpuUse::X87 || piece.op.fpu == FpuUse::Mmx ||
                         treatment.handler == fwait);
  auto const mnemonic = instruction.decoded.mnemonic;
  piece.may_trap = piece.vectors || piece.x87 || mnemonic == ZYDIS_MNEMONIC_DIV ||
                   mnemonic == ZYDIS_MNEMONIC_IDIV || mnemonic == ZYDIS_MNEMONIC_CMPXCHG16B ||
                   instruction.decoded.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY;
  if (piece.kind == PieceKind::PushFlags) piece.reads = kAllFlags;
  if (piece.kind == PieceKind::Step || piece.kind == PieceKind::StepOut) {
    // It may end in an exception, which shows all flags.
    piece.reads = kAllFlags;
    piece.kills = 0;
    piece.touches_flags = true;
  }
  return piece;
}

}  // namespace bh::vmm::soft
