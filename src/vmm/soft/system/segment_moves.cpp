#include "vmm/soft/step/registers.h"
#include "vmm/soft/step/stack.h"
#include "vmm/soft/system/far_target.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/segment_register.h"

namespace bh::vmm::soft {

namespace {

/// The instruction after a load of SS runs before any interrupt, so that it can set RSP.
Flow loaded(Cpu& cpu, Op const& op, SegmentIndex index) {
  if (index != Ss) return Flow::Next;
  cpu.interrupt_shadow = true;
  cpu.rip = cpu.next_rip(op);
  return Flow::Leave;
}

unsigned slot_size(Cpu const& cpu, Op const& op) {
  if (cpu.code_size == CodeSize::Bits64) return op.operand_size == 2 ? 2 : 8;
  return op.operand_size == 2 ? 2 : 4;
}

Flow load_far_segment(Cpu& cpu, Op const& op, SegmentIndex index) {
  FarPointer pointer;
  if (auto const flow = load_far_pointer(cpu, op, pointer); flow != Flow::Next) return flow;
  if (auto const flow = load_segment_register(cpu, index, pointer.selector); flow != Flow::Next) {
    return flow;
  }
  write_gpr(cpu, op.reg[0], op.operand_size, pointer.offset);
  if (index != Ss) return Flow::Next;
  cpu.rip = cpu.next_rip(op);  // The stack's width may have changed. LSS needs no shadow.
  return Flow::Leave;
}

}  // namespace

Flow mov_to_segment(Cpu& cpu, Op const& op) {
  auto const index = static_cast<SegmentIndex>(op.reg[0]);
  if (index == Cs || index > Gs) return cpu.raise(kInvalidOpcode);
  std::uint16_t selector = 0;
  if (op.has_memory) {
    if (auto const flow = load(cpu, effective_address(cpu, op), selector); flow != Flow::Next) {
      return flow;
    }
  } else {
    selector = static_cast<std::uint16_t>(cpu.gpr[op.reg[1]]);
  }
  if (auto const flow = load_segment_register(cpu, index, selector); flow != Flow::Next)
    return flow;
  return loaded(cpu, op, index);
}

Flow mov_from_segment(Cpu& cpu, Op const& op) {
  if (op.reg[1] > Gs) return cpu.raise(kInvalidOpcode);
  std::uint16_t const selector = cpu.segments[op.reg[1]].selector;
  if (!op.has_memory) {
    write_gpr(cpu, op.reg[0], op.operand_size, selector);
    return Flow::Next;
  }
  // Memory gets 16 bits whatever the operand size.
  if (auto const flow = store(cpu, effective_address(cpu, op), selector); flow != Flow::Next) {
    return flow;
  }
  return finish(cpu, op);
}

Flow push_segment(Cpu& cpu, Op const& op) {
  if (auto const flow = push(cpu, cpu.segments[op.reg[0]].selector, slot_size(cpu, op));
      flow != Flow::Next) {
    return flow;
  }
  return finish(cpu, op);
}

Flow pop_segment(Cpu& cpu, Op const& op) {
  auto const index = static_cast<SegmentIndex>(op.reg[0]);
  unsigned const size = slot_size(cpu, op);
  unsigned const width = stack_pointer_size(cpu);  // Before POP SS changes it.
  std::uint64_t selector = 0;
  if (auto const flow = peek(cpu, selector, size); flow != Flow::Next) return flow;
  if (auto const flow = load_segment_register(cpu, index, static_cast<std::uint16_t>(selector));
      flow != Flow::Next) {
    return flow;
  }
  write_gpr(cpu, Rsp, width, cut(cpu.gpr[Rsp] + size, width));
  return loaded(cpu, op, index);
}

Flow lds(Cpu& cpu, Op const& op) {
  return load_far_segment(cpu, op, Ds);
}
Flow les(Cpu& cpu, Op const& op) {
  return load_far_segment(cpu, op, Es);
}
Flow lfs(Cpu& cpu, Op const& op) {
  return load_far_segment(cpu, op, Fs);
}
Flow lgs(Cpu& cpu, Op const& op) {
  return load_far_segment(cpu, op, Gs);
}
Flow lss(Cpu& cpu, Op const& op) {
  return load_far_segment(cpu, op, Ss);
}

}  // namespace bh::vmm::soft
