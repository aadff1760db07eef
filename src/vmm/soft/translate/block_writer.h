#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/soft/translate/assembler.h"
#include "vmm/soft/translate/code_number.h"
#include "vmm/soft/translate/gate.h"
#include "vmm/soft/translate/piece.h"
#include "vmm/soft/translate/scratch.h"
#include "vmm/soft/translate/site.h"
#include "vmm/soft/translate/state_layout.h"

namespace bh::vmm::soft {

/// Where a block can be entered.
struct Entries {
  CodeOffset external = 0;  // R11 holds the RIP; flags saved.
  CodeOffset saved = 0;     // crossing.rip_page is right; flags saved.
  CodeOffset host = 0;      // The same, flags in the host's.
  bool flags_dead =
      false;  // The block reads none of the flags it is entered with; both above are one.
  bool wants_host_flags = false;  // `host` is the shorter way.
  FpuLoad fpu;
};

/// Writes one block.
class BlockWriter {
 public:
  /// `sites`, `traps` and `ops` get what the block adds; sites carry `block`.
  BlockWriter(Assembler& out, Gate const& gate, StateLayout const& state, TranslationMode mode,
              std::uint32_t block, std::vector<Site>& sites, std::vector<TrapPoint>& traps,
              std::vector<Op>& ops)
      : out_(out),
        gate_(gate),
        state_(state),
        mode_(mode),
        block_(block),
        sites_(sites),
        traps_(traps),
        ops_(ops),
        scratch_(out, state) {
    slots_.fill(kNoSlot);
  }

  /// To be told what write() copies of immediates of 4 and 8 bytes.
  void note_numbers(std::vector<CodeNumber>* numbers) { numbers_ = numbers; }

  /// `pieces` is not empty; their live_in and live_out are set. `next_straddles`: the instruction
  /// behind them lies in two pages, and has to be looked up.
  Entries write(std::span<Piece const> pieces, bool next_straddles);

 private:
  /// Where the arithmetic flags are. Nowhere: nothing will read them.
  enum class Flags : std::uint8_t { Host, Saved, Both, Nowhere };
  /// What the block does first with the flags it is entered with.
  enum class FirstUse : std::uint8_t { None, InHost, Saved };

  /// Code out of the way of the block, reached by a jump.
  struct Tail {
    enum class Kind : std::uint8_t {
      Leave,
      Load,
      CrossPage,
      LookFurther,
      Retry,
      Refill,
      Reach
    } kind;
    std::size_t jump_end;     // For Assembler::land().
    std::uint64_t go_to = 0;  // Leave, Load: one of the gate's.
    std::uint32_t site = 0;
    std::uint32_t slot = 0;       // LookFurther: entry of RecentJumps; Refill: of PageSlots.
    std::uint64_t back = 0;       // Load, Retry, Refill, Reach: where to go on.
    Flags flags = Flags::Saved;   // CrossPage
    std::int32_t target = 0;      // CrossPage
    std::uint16_t registers = 0;  // Retry: what to load again.
    Operand operand;              // Refill, Reach
  };

  FirstUse first_use(std::span<Piece const> pieces) const;
  Entries enter(std::span<Piece const> pieces);
  /// Writes the pieces at the front that go together; returns how many.
  std::size_t write_some(std::span<Piece const> pieces);

  void copy(Piece const& piece);
  void load_address(Piece const& piece);
  void memory(Piece const& piece);
  std::size_t pushes(std::span<Piece const> pieces);
  std::size_t pops(std::span<Piece const> pieces);
  void push_memory(Piece const& piece);
  void push_flags(Piece const& piece);
  /// Pushes `target` of the crossing: R11 is lost.
  void push_kept(Piece const& piece);
  void fill_string(Piece const& piece);
  void copy_string(Piece const& piece);
  /// The string's first byte at `pointer` becomes an address of the host's in R15; `stepped` if the
  /// string ends beyond its page.
  void reach_string(Piece const& piece, Gpr pointer, bool writes, CodeOffset start,
                    std::uint32_t stepped);
  void bit_string(Piece const& piece);
  void read_segment(Piece const& piece);
  void read_base(Piece const& piece);
  void write_base(Piece const& piece);
  void leave_frame(Piece const& piece);
  void swap_gs();
  void clear_interrupts(Piece const& piece);
  void set_interrupts(Piece const& piece);
  void branch(Piece const& piece);
  void call(Piece const& piece);
  void jump_indirect(Piece const& piece);
  void call_indirect(Piece const& piece);
  void return_near(Piece const& piece);
  void step(Piece const& piece, SiteKind kind);
  /// A site where the stepping engine does the instruction.
  std::uint32_t add_step(Piece const& piece, SiteKind kind);
  /// Leaves for a site of add_step() on a condition. Flags are saved or dead.
  void leave_if(Condition condition, std::uint32_t site);
  /// R15 is lost.
  void leave_unless_canonical(Gpr reg, std::uint32_t site);

  // --- Flags
  bool wants_host_flags(Piece const& piece) const;
  void bring_flags_to_host();
  void bring_flags_to_host(Gpr spare);
  /// Something is about to destroy the host's flags; `live`: those that must not be lost.
  void give_up_host_flags(FlagSet live);

  // --- Memory
  /// The operand's linear address to R11.
  void address(Operand const& operand);
  /// R11: linear address. Afterwards R15 + R11 is the host address. `go_on`: where to try again.
  /// Returns the site.
  std::uint32_t probe(Operand const& operand, CodeOffset go_on);
  void ask_gate(Operand const& operand, std::uint64_t gate, std::uint32_t site, std::uint32_t slot,
                std::uint64_t back);
  /// The slot an operand's page is looked for in. What is on the stack is in one page or two,
  /// whatever function touches it, and so is what FS and GS point to, and what one register points
  /// to until it is written: such places share slots, and most find their page there the first time
  /// they run.
  std::uint16_t slot_of(Operand const& operand, std::uint32_t site);
  /// R15 + R11 becomes the operand's host address. Flags are lost.
  void reach(Operand const& operand);
  void reach_from(Operand const& last, Operand const& operand);
  /// The instruction with [R15 + R11], [R15] or [R11] for its memory operand.
  enum class Pointer : std::uint8_t { Sum, R15Alone, R11Alone };
  void with_operand(Piece const& piece, Pointer pointer);
  /// Brings the guest's R11 or R15 where the instruction wants it beside its memory operand, and
  /// the flags if it reads them.
  Pointer bring_registers(Piece const& piece);
  /// Stores the return address and moves RSP.
  void push_return_address(Piece const& piece);
  void move_stack(std::int32_t distance);
  /// The host instruction to be copied may have a number.
  void note_number(Piece const& piece);
  /// The next host instruction may trap.
  void note_trap(Piece const& piece);
  void note_wide(Piece const& piece);
  void load_guest(Gpr to, unsigned reg);

  // --- Ways out
  void go_to(Piece const& piece, std::int32_t target);
  void jump_link(Piece const& piece, std::int32_t target, bool conditional);
  /// The RIP is in R11, flags are saved.
  void look_up(Piece const& piece, unsigned undo_stack);
  void load_target(Piece const& piece);
  void load_scratch(std::uint16_t registers);
  void tails();
  std::uint32_t add_site(Site const& site);

  Assembler& out_;
  Gate const& gate_;
  StateLayout const& state_;
  TranslationMode mode_;
  std::uint32_t block_;
  std::vector<Site>& sites_;
  std::vector<TrapPoint>& traps_;
  std::vector<Op>& ops_;
  std::vector<CodeNumber>* numbers_ = nullptr;  // Or nobody wants them.
  Scratch scratch_;
  std::vector<Tail> tails_;
  static constexpr std::uint16_t kNoSlot = 0xffff;
  std::array<std::uint16_t, 16> slots_;  // Of what each register points to.
  Flags flags_ = Flags::Saved;
  bool next_straddles_ = false;
  bool wide_noted_ = false;  // crossing.uppers is set, whichever way the code came here.
};

/// Works out live_in and live_out of a block's pieces.
void find_live_flags(std::span<Piece> pieces, TranslationMode mode);

}  // namespace bh::vmm::soft
