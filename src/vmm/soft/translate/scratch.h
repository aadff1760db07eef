#pragma once

#include <optional>

#include "vmm/soft/translate/assembler.h"
#include "vmm/soft/translate/operand.h"
#include "vmm/soft/translate/state_layout.h"

namespace bh::vmm::soft {

/// Knows what R11 and R15 hold while a block is written: nothing, the guest's register of that name
/// (and whether memory has it, too), or where an operand lies in host memory.
class Scratch {
 public:
  Scratch(Assembler& out, StateLayout const& state) : out_(out), state_(state) {}

  static constexpr bool is_one(unsigned reg) { return reg == R11 || reg == R15; }

  /// Memory gets what only the registers have. Flags stay.
  void spill();
  /// The same, and both registers can be used for anything.
  void free();
  /// One register for anything, the cheapest. Flags stay.
  Gpr take_one();

  /// The guest's register in the host's; `old_value`: loaded if it is not there.
  void want(Gpr reg, bool old_value);
  /// It was written.
  void wrote(Gpr reg) { of(reg) = Holds::GuestOnly; }
  bool has(Gpr reg) const { return holds(reg) == Holds::Guest || holds(reg) == Holds::GuestOnly; }

  /// R15 + R11 is the host address of the operand, or R15 alone.
  void set_operand(Operand const& operand) {
    r11_ = r15_ = Holds::Operand;
    operand_ = operand;
  }
  void operand_is_in_r15() { r11_ = Holds::Nothing; }
  /// R11 for a value in between; the operand stays, if R15 alone has it.
  void use_r11();
  void forget_operand();
  /// The operand found last, while it is still in R15.
  std::optional<Operand> const& operand() const { return operand_; }
  /// Puts the offset in the page back to R11. Flags are lost.
  void split_operand();

  /// The guest's registers (a bit each) changed; `stack_move` if RSP just moved.
  void registers_changed(std::uint16_t written, std::optional<std::int32_t> stack_move);

 private:
  enum class Holds : std::uint8_t { Nothing, Guest, GuestOnly, Operand };

  Holds& of(Gpr reg) { return reg == R11 ? r11_ : r15_; }
  Holds holds(Gpr reg) const { return reg == R11 ? r11_ : r15_; }
  void spill(Gpr reg);

  Assembler& out_;
  StateLayout const& state_;
  Holds r11_ = Holds::Nothing;
  Holds r15_ = Holds::Nothing;
  std::optional<Operand> operand_;
};

}  // namespace bh::vmm::soft
