#include "vmm/soft/translate/scratch.h"

namespace bh::vmm::soft {

void Scratch::spill(Gpr reg) {
  if (of(reg) != Holds::GuestOnly) return;
  out_.store_state(state_.gpr(reg), reg);
  of(reg) = Holds::Guest;
}

void Scratch::spill() {
  spill(R11);
  spill(R15);
}

void Scratch::forget_operand() {
  operand_.reset();
  for (auto const reg : {R11, R15}) {
    if (of(reg) == Holds::Operand) of(reg) = Holds::Nothing;
  }
}

void Scratch::free() {
  spill();
  forget_operand();
  r11_ = r15_ = Holds::Nothing;
}

Gpr Scratch::take_one() {
  for (auto const reg : {R11, R15}) {
    if (of(reg) == Holds::Nothing) return reg;
  }
  for (auto const reg : {R11, R15}) {
    if (!has(reg)) continue;
    spill(reg);
    of(reg) = Holds::Nothing;
    return reg;
  }
  out_.load_address_sum(R15, R15, R11);
  operand_is_in_r15();
  return R11;
}

void Scratch::use_r11() {
  spill(R11);
  if (r11_ == Holds::Operand) forget_operand();
  r11_ = Holds::Nothing;
}

void Scratch::want(Gpr reg, bool old_value) {
  if (has(reg)) return;
  if (of(reg) == Holds::Operand) forget_operand();
  if (old_value) out_.load_state(reg, state_.gpr(reg));
  of(reg) = Holds::Guest;
}

void Scratch::split_operand() {
  if (r11_ == Holds::Operand) return;
  spill(R11);
  // Pages of guest memory are pages of the host's.
  out_.move32(R11, R15);
  out_.and32(R11, kPageSize - 1);
  out_.subtract(R15, R11);
  r11_ = Holds::Operand;
}

void Scratch::registers_changed(std::uint16_t written, std::optional<std::int32_t> stack_move) {
  if (!operand_) return;
  auto const changed = [&](std::uint8_t reg) { return reg < 16 && (written >> reg & 1) != 0; };
  if (!changed(operand_->base) && !changed(operand_->index)) return;
  if (stack_move && operand_->base == Rsp && !changed(operand_->index)) {
    operand_->displacement -= *stack_move;
    return;
  }
  forget_operand();
}

}  // namespace bh::vmm::soft
