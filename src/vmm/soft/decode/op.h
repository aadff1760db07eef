#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

using Handler = Flow (*)(Cpu& cpu, Op const& op);

/// A native stub: runs one guest instruction on the host CPU with the guest's registers, its memory
/// operand at `memory`. Returns 0, or the trap number of a host exception (nothing was written
/// back).
using Stub = int (*)(Cpu* cpu, void* memory);

enum class OperandAccess : std::uint8_t { None, Read, Write, ReadWrite };

/// Which of the x87, MMX, SSE and AVX rules about CR0.TS, CR0.EM, CR4.OSFXSR and XCR0 apply.
enum class FpuUse : std::uint8_t { None, X87, Mmx, Sse, Avx };

enum class Repeat : std::uint8_t { None, Equal /* REP, REPE */, NotEqual };

/// Register numbers of Op::reg and Op::rm: 0-15, with this bit for AH, CH, DH, BH (numbers 0-3).
inline constexpr std::uint8_t kHighByte = 0x20;
inline constexpr std::uint8_t kNoOperand = 0xff;
/// x87 instructions that do not note themselves as the last one, and all others.
inline constexpr std::uint16_t kNoX87Opcode = 0xffff;

/// Sizes in bytes of what a gather works on; Op::immediate has them.
struct GatherShape {
  std::uint8_t vector_size;
  std::uint8_t data_size;
  std::uint8_t index_size;

  std::int64_t packed() const { return vector_size | data_size << 8 | index_size << 16; }
  static GatherShape of(Op const& op);
};

/// One decoded guest instruction, ready to run.
struct Op {
  Handler handler = nullptr;
  Stub stub = nullptr;  // Native instructions only.
  /// Memory operand: gpr[base] + (gpr[index] << scale) + displacement, cut to address_size, plus
  /// segment_base[segment]. base is kRipSlot for RIP-relative; displacement then counts from the
  /// block.
  std::int64_t displacement = 0;
  /// Immediate, sign-extended to 64 bits. For near branches: target minus next RIP. For far direct
  /// transfers: selector << 32 | offset. For ENTER: level << 16 | size.
  std::int64_t immediate = 0;
  std::uint16_t start = 0;  // Bytes from the block's first instruction.
  std::uint16_t end = 0;
  std::uint8_t base = kZeroSlot;
  std::uint8_t index = kZeroSlot;
  std::uint8_t scale = 0;  // Shift: 0 to 3.
  std::uint8_t segment = kZeroSegment;
  std::uint8_t segment_register =
      Ds;  // Which one the memory operand names (#SS or #GP), also in 64-bit mode.
  std::uint8_t address_size = 8;  // 2, 4 or 8 bytes.
  std::uint8_t operand_size = 0;  // 1, 2, 4 or 8 bytes: the instruction's effective operand size.
  std::uint16_t memory_size = 0;  // Bytes touched at the memory operand; 0: there is none.
  OperandAccess memory_access = OperandAccess::None;
  /// First to third register operand in encoding order (GPR, segment, control or debug register
  /// number as the instruction has it); kNoOperand if that operand is memory, an immediate or
  /// absent.
  std::uint8_t reg[3] = {kNoOperand, kNoOperand, kNoOperand};
  std::uint8_t condition = 0;  // Low four opcode bits of Jcc, SETcc, CMOVcc.
  Repeat repeat = Repeat::None;
  bool lock = false;
  bool has_memory = false;
  FpuUse fpu = FpuUse::None;
  std::uint8_t alignment =
      0;  // The memory operand's, if it must be aligned; checked before its page is.
  /// What FOP shall say of it: three bits of the first byte, then ModRM.
  std::uint16_t x87_opcode = kNoX87Opcode;
  bool x87_waits = false;  // A pending x87 error comes before a fault of the memory operand.
};

inline GatherShape GatherShape::of(Op const& op) {
  return {.vector_size = static_cast<std::uint8_t>(op.immediate),
          .data_size = static_cast<std::uint8_t>(op.immediate >> 8),
          .index_size = static_cast<std::uint8_t>(op.immediate >> 16)};
}

inline std::uint64_t Cpu::this_rip(Op const& op) const {
  return gpr[kRipSlot] + op.start;
}
inline std::uint64_t Cpu::next_rip(Op const& op) const {
  return gpr[kRipSlot] + op.end;
}

}  // namespace bh::vmm::soft
