#include "vmm/soft/step/registers.h"
#include "vmm/soft/step/stack.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/port_access.h"

namespace bh::vmm::soft {

namespace {

std::uint64_t string_linear(Cpu const& cpu, Op const& op, Gpr pointer, std::uint64_t base) {
  std::uint64_t const linear = cut(cpu.gpr[pointer], op.address_size) + base;
  return cpu.code_size == CodeSize::Bits64 ? linear : static_cast<std::uint32_t>(linear);
}

void advance(Cpu& cpu, Op const& op, Gpr pointer) {
  bool const down = (cpu.system_flags & kFlagDf) != 0;
  std::uint64_t const step = down ? 0 - std::uint64_t{op.operand_size} : op.operand_size;
  write_gpr(cpu, pointer, op.address_size, cpu.gpr[pointer] + step);
}

bool nothing_to_do(Cpu const& cpu, Op const& op) {
  return op.repeat != Repeat::None && cut(cpu.gpr[Rcx], op.address_size) == 0;
}

/// Commits one iteration. Between two, interrupts may come in and the answers of the first are done
/// with.
Flow end_iteration(Cpu& cpu, Op const& op) {
  if (op.repeat == Repeat::None) return finish(cpu, op);
  std::uint64_t const left = cut(cpu.gpr[Rcx] - 1, op.address_size);
  write_gpr(cpu, Rcx, op.address_size, left);
  if (left == 0) return finish(cpu, op);
  cpu.code_changed = false;
  cpu.rip = cpu.this_rip(op);
  return Flow::Leave;
}

}  // namespace

Flow ins(Cpu& cpu, Op const& op) {
  // Permission is checked also where the count is zero.
  auto const port = static_cast<std::uint16_t>(cpu.gpr[Rdx]);
  if (auto const flow = check_port(cpu, port, op.operand_size); flow != Flow::Next) return flow;
  if (nothing_to_do(cpu, op)) return Flow::Next;
  std::uint64_t const base = cpu.code_size == CodeSize::Bits64 ? 0 : cpu.segment_base[Es];
  std::uint64_t const linear = string_linear(cpu, op, Rdi, base);
  // A page fault must come before the device is read: it would not be read twice.
  if (auto const flow = probe_write(cpu, linear, op.operand_size, current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  std::uint32_t value = 0;
  if (auto const flow = read_port(cpu, port, op.operand_size, value); flow != Flow::Next)
    return flow;
  if (auto const flow = store_sized(cpu, linear, op.operand_size, value); flow != Flow::Next) {
    return flow;
  }
  advance(cpu, op, Rdi);
  return end_iteration(cpu, op);
}

Flow outs(Cpu& cpu, Op const& op) {
  // Permission is checked also where the count is zero.
  auto const port = static_cast<std::uint16_t>(cpu.gpr[Rdx]);
  if (auto const flow = check_port(cpu, port, op.operand_size); flow != Flow::Next) return flow;
  if (nothing_to_do(cpu, op)) return Flow::Next;
  std::uint64_t const linear = string_linear(cpu, op, Rsi, cpu.segment_base[op.segment]);
  std::uint64_t value = 0;
  if (auto const flow = load_sized(cpu, linear, op.operand_size, value); flow != Flow::Next) {
    return flow;
  }
  if (auto const flow = write_port(cpu, port, op.operand_size, static_cast<std::uint32_t>(value));
      flow != Flow::Next) {
    return flow;
  }
  advance(cpu, op, Rsi);
  return end_iteration(cpu, op);
}

}  // namespace bh::vmm::soft
