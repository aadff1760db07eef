#include "vmm/soft/step/stack.h"

#include "vmm/soft/step/handlers.h"

namespace bh::vmm::soft {

namespace {

/// Pushes and pops in 64-bit code are 8 bytes, or 2 with an operand-size prefix.
unsigned slot_size(Cpu const& cpu, Op const& op) {
  if (cpu.code_size == CodeSize::Bits64) return op.operand_size == 2 ? 2 : 8;
  return op.operand_size;
}

}  // namespace

Flow stack_fault(Cpu& cpu, Flow flow) {
  if (flow == Flow::Fault && cpu.exception.vector == kGeneralProtection) {
    cpu.exception.vector = kStackFault;
  }
  return flow;
}

Flow push_operand(Cpu& cpu, Op const& op) {
  unsigned const size = slot_size(cpu, op);
  std::uint64_t value = static_cast<std::uint64_t>(op.immediate);
  if (op.has_memory) {
    if (auto const flow = load_sized(cpu, effective_address(cpu, op), size, value);
        flow != Flow::Next) {
      return flow;
    }
  } else if (op.reg[0] != kNoOperand) {
    value = cpu.gpr[op.reg[0]];
  }
  if (auto const flow = push(cpu, value, size); flow != Flow::Next) [[unlikely]]
    return flow;
  return finish(cpu, op);
}

Flow pop_operand(Cpu& cpu, Op const& op) {
  unsigned const size = slot_size(cpu, op);
  std::uint64_t value = 0;
  if (auto const flow = peek(cpu, value, size); flow != Flow::Next) [[unlikely]]
    return flow;
  if (!op.has_memory) {
    adjust_stack(cpu, size);  // First: POP RSP ends with the value popped.
    write_gpr(cpu, op.reg[0], size, value);
    return Flow::Next;
  }
  // An RSP in the address means the one after the pop.
  std::uint64_t const old = cpu.gpr[Rsp];
  adjust_stack(cpu, size);
  std::uint64_t const linear = effective_address(cpu, op);
  if (auto const flow = store_sized(cpu, linear, size, value); flow != Flow::Next) {
    cpu.gpr[Rsp] = old;
    return flow;
  }
  return finish(cpu, op);
}

Flow enter(Cpu& cpu, Op const& op) {
  unsigned const size = slot_size(cpu, op);
  unsigned const width = stack_pointer_size(cpu);
  auto const locals = static_cast<std::uint16_t>(op.immediate);
  unsigned const level = (op.immediate >> 16) & 31;

  std::uint64_t pointer = cut(cpu.gpr[Rsp] - size, width);
  std::uint64_t const frame = pointer;
  auto put = [&](std::uint64_t value) {
    return stack_fault(cpu, store_sized(cpu, stack_linear(cpu, pointer), size, value));
  };
  if (auto const flow = put(cpu.gpr[Rbp]); flow != Flow::Next) return flow;
  for (unsigned i = 1; i < level; ++i) {
    std::uint64_t const outer = cut(cpu.gpr[Rbp] - i * size, width);
    std::uint64_t value = 0;
    if (auto const flow = load_sized(cpu, stack_linear(cpu, outer), size, value);
        flow != Flow::Next) {
      return stack_fault(cpu, flow);
    }
    pointer = cut(pointer - size, width);
    if (auto const flow = put(value); flow != Flow::Next) return flow;
  }
  if (level > 0) {
    pointer = cut(pointer - size, width);
    if (auto const flow = put(frame); flow != Flow::Next) return flow;
  }
  pointer = cut(pointer - locals, width);
  // The page the new RSP points to must be writable, or the next push would fault half-way.
  if (auto const flow = probe_write(cpu, stack_linear(cpu, pointer), 1, current_privilege(cpu));
      flow != Flow::Next) {
    return stack_fault(cpu, flow);
  }
  write_gpr(cpu, Rbp, size, frame);
  write_gpr(cpu, Rsp, width, pointer);
  return finish(cpu, op);
}

Flow leave(Cpu& cpu, Op const& op) {
  unsigned const size = slot_size(cpu, op);
  unsigned const width = stack_pointer_size(cpu);
  std::uint64_t const frame = cut(cpu.gpr[Rbp], width);
  std::uint64_t value = 0;
  if (auto const flow = load_sized(cpu, stack_linear(cpu, frame), size, value);
      flow != Flow::Next) {
    return stack_fault(cpu, flow);
  }
  write_gpr(cpu, Rsp, width, cut(frame + size, width));
  write_gpr(cpu, Rbp, size, value);
  return Flow::Next;
}

}  // namespace bh::vmm::soft
