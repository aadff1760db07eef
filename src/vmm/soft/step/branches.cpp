#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/step/condition.h"
#include "vmm/soft/step/handlers.h"
#include "vmm/soft/step/stack.h"

namespace bh::vmm::soft {

namespace {

/// Near branches in 64-bit code ignore the operand-size prefix.
unsigned branch_size(Cpu const& cpu, Op const& op) {
  return cpu.code_size == CodeSize::Bits64 ? 8 : op.operand_size;
}

std::uint64_t relative_target(Cpu const& cpu, Op const& op) {
  return cut(cpu.next_rip(op) + static_cast<std::uint64_t>(op.immediate), branch_size(cpu, op));
}

bool reachable(Cpu const& cpu, std::uint64_t target) {
  return cpu.code_size != CodeSize::Bits64 || is_canonical(target);
}

Flow go_to(Cpu& cpu, std::uint64_t target) {
  if (!reachable(cpu, target)) [[unlikely]]
    return cpu.raise(kGeneralProtection, 0);
  cpu.rip = target;
  return Flow::Leave;
}

/// Target of an indirect branch, from a register or memory.
Flow indirect_target(Cpu& cpu, Op const& op, std::uint64_t& target) {
  unsigned const size = branch_size(cpu, op);
  if (!op.has_memory) {
    target = read_gpr(cpu, op.reg[0], size);
    return Flow::Next;
  }
  return load_sized(cpu, effective_address(cpu, op), size, target);
}

Flow call(Cpu& cpu, Op const& op, std::uint64_t target) {
  if (!reachable(cpu, target)) [[unlikely]]
    return cpu.raise(kGeneralProtection, 0);
  if (auto const flow = push(cpu, cpu.next_rip(op), branch_size(cpu, op)); flow != Flow::Next)
      [[unlikely]] {
    return flow;
  }
  cpu.code_changed = false;  // The block is left in any case.
  cpu.rip = target;
  return Flow::Leave;
}

}  // namespace

Flow jump_relative(Cpu& cpu, Op const& op) {
  return go_to(cpu, relative_target(cpu, op));
}

Flow jump_indirect(Cpu& cpu, Op const& op) {
  std::uint64_t target = 0;
  if (auto const flow = indirect_target(cpu, op, target); flow != Flow::Next) return flow;
  return go_to(cpu, target);
}

Flow call_relative(Cpu& cpu, Op const& op) {
  return call(cpu, op, relative_target(cpu, op));
}

Flow call_indirect(Cpu& cpu, Op const& op) {
  std::uint64_t target = 0;
  if (auto const flow = indirect_target(cpu, op, target); flow != Flow::Next) return flow;
  return call(cpu, op, target);
}

Flow ret_near(Cpu& cpu, Op const& op) {
  unsigned const size = branch_size(cpu, op);
  std::uint64_t target = 0;
  if (auto const flow = peek(cpu, target, size); flow != Flow::Next) [[unlikely]]
    return flow;
  if (!reachable(cpu, target)) [[unlikely]]
    return cpu.raise(kGeneralProtection, 0);
  adjust_stack(cpu, size + static_cast<std::uint16_t>(op.immediate));
  cpu.rip = target;
  return Flow::Leave;
}

Flow jump_conditional(Cpu& cpu, Op const& op) {
  // Not taken, the block goes on: blocks reach over conditional branches.
  if (!condition_holds(cpu.arithmetic, op.condition)) return Flow::Next;
  return go_to(cpu, relative_target(cpu, op));
}

Flow loop(Cpu& cpu, Op const& op) {
  std::uint64_t const count = cut(cpu.gpr[Rcx] - 1, op.address_size);
  bool taken = count != 0;
  if (op.condition < 2) taken = taken && cpu.arithmetic.zf() == (op.condition == 1);
  std::uint64_t const target = taken ? relative_target(cpu, op) : cpu.next_rip(op);
  if (!reachable(cpu, target)) return cpu.raise(kGeneralProtection, 0);
  write_gpr(cpu, Rcx, op.address_size, count);
  cpu.rip = target;
  return Flow::Leave;
}

Flow jump_if_zero(Cpu& cpu, Op const& op) {
  if (cut(cpu.gpr[Rcx], op.address_size) == 0) return go_to(cpu, relative_target(cpu, op));
  cpu.rip = cpu.next_rip(op);
  return Flow::Leave;
}

}  // namespace bh::vmm::soft
