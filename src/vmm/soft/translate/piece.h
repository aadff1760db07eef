#pragma once

#include <cstdint>
#include <optional>

#include "vmm/soft/decode/instruction.h"
#include "vmm/soft/decode/op.h"
#include "vmm/soft/translate/encoding.h"

namespace bh::vmm::soft {

/// Arithmetic flags, one bit each as in RFLAGS.
using FlagSet = std::uint32_t;
inline constexpr FlagSet kAllFlags = static_cast<FlagSet>(kFlagsArithmetic);

/// How the translator treats an instruction.
enum class PieceKind : std::uint8_t {
  Nothing,      // NOP and its like.
  Copy,         // No memory: copied byte for byte.
  LoadAddress,  // LEA relative to RIP.
  Memory,       // One explicit memory operand, probed.
  Push,         // 64-bit register or immediate.
  Pop,          // 64-bit register.
  PushMemory,   // 64 bits.
  Leave,
  Jump,  // Direct.
  Branch,
  Call,          // Direct.
  JumpIndirect,  // Through a register or memory.
  CallIndirect,
  Return,
  SwapGs,  // These four in supervisor mode only.
  ClearInterrupts,
  SetInterrupts,
  PushFlags,
  FillString,  // REP STOS and REP MOVS, within a page.
  CopyString,
  BitString,    // BT, BTS, BTR, BTC with a bit number that may lead anywhere from its operand.
  ReadSegment,  // A segment register to a general one.
  ReadBase,     // Of FS or GS.
  WriteBase,
  Step,     // By the stepping engine; goes on behind it.
  StepOut,  // By the stepping engine; ends the block.
};

/// What the vCPU may do, as far as translated code depends on it.
struct TranslationMode {
  bool user = false;
  bool x87 = false;         // Likewise none of x87 and MMX.
  bool avx = false;         // Likewise none of AVX.
  bool sse = false;         // No SSE instruction is refused for CR0 and CR4.
  bool every_flag = false;  // All flags are right at each fault, even those nothing can read.

  friend bool operator==(TranslationMode const&, TranslationMode const&) = default;
  static constexpr unsigned kUser = 1;
  /// Below 32.
  unsigned number() const {
    return (user ? kUser : 0u) | (sse ? 2u : 0u) | (every_flag ? 4u : 0u) | (x87 ? 8u : 0u) |
           (avx ? 16u : 0u);
  }
};

/// One instruction of a block.
struct Piece {
  PieceKind kind = PieceKind::Step;
  Op op;  // Offsets count from the start of the page.
  Encoding encoding;
  FlagSet reads = 0;
  FlagSet kills = 0;  // Surely written.
  bool touches_flags = false;
  bool vectors = false;
  bool wide = false;         // May make upper halves of vectors other than zero,
  bool clears_wide = false;  // or makes all of them zero.
  bool x87 = false;
  bool may_trap = false;        // On the host: division, alignment, unmasked SSE exceptions, #UD.
  std::uint16_t registers = 0;  // General registers read or written as operands, a bit each,
  std::uint16_t registers_written = 0;     // those written,
  std::uint16_t registers_kept = 0;        // and those of which some of the old value matters.
  std::uint16_t address_registers = 0;     // Base and index.
  std::optional<std::int32_t> stack_move;  // It adds just this to RSP.

  FlagSet live_in = kAllFlags;   // Flags that may be read before they are written, here
  FlagSet live_out = kAllFlags;  // and after the instruction.

  std::uint16_t start() const { return op.start; }
  std::uint16_t end() const { return op.end; }
};

/// What an instruction for which it can be known adds to RSP: Piece::stack_move.
std::optional<std::int32_t> stack_move_of(Op const& op, ZydisMnemonic mnemonic);

/// `start`: offset in its page.
Piece make_piece(Instruction const& instruction, std::uint16_t start, TranslationMode mode);

}  // namespace bh::vmm::soft
