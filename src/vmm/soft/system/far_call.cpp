#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/step/stack.h"
#include "vmm/soft/system/descriptor_table.h"
#include "vmm/soft/system/far_pointer_operand.h"
#include "vmm/soft/system/far_target.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/not_supported.h"
#include "vmm/soft/system/segment_register.h"
#include "vmm/soft/system/stack_frame.h"

namespace bh::vmm::soft {

namespace {

/// Pushes CS and the return address on the current stack.
Flow push_return(Cpu& cpu, Op const& op, unsigned slot) {
  StackTop top = current_stack(cpu);
  StackFrame frame(slot);
  frame.push(cpu.segments[Cs].selector);
  frame.push(cpu.next_rip(op));
  if (auto const flow = frame.write(cpu, top); flow != Flow::Next) return flow;
  set_stack_pointer(cpu, top, top.pointer);
  return Flow::Next;
}

/// Copies a 16- or 32-bit gate's parameters from the caller's stack.
Flow copy_parameters(Cpu& cpu, CallGate const& gate, StackFrame& frame) {
  std::array<std::uint64_t, 31> parameters{};
  StackReader caller(cpu, gate.slot);
  for (unsigned i = 0; i < gate.parameters; ++i) {
    if (auto const flow = caller.pop(parameters[i]); flow != Flow::Next) return flow;
  }
  for (unsigned i = gate.parameters; i > 0; --i) frame.push(parameters[i - 1]);
  return Flow::Next;
}

Flow call_inner(Cpu& cpu, Op const& op, CallGate const& gate) {
  std::uint8_t const level = gate.target.cpl;
  TaskStack task_stack;
  if (auto const flow = read_task_stack(cpu, level, 0, task_stack); flow != Flow::Next) return flow;
  Segment stack = null_segment(level, level);
  if (!cpu.long_mode()) {
    if (auto const flow =
            read_stack_segment(cpu, task_stack.selector, level, kInvalidTss, 0, stack);
        flow != Flow::Next) {
      return flow;
    }
  }
  StackTop top{.pointer = task_stack.pointer, .base = stack.base};
  top.width = cpu.long_mode() ? 8 : stack.db != 0 ? 4 : 2;

  StackFrame frame(gate.slot);
  frame.push(cpu.segments[Ss].selector);
  frame.push(cpu.gpr[Rsp]);
  if (auto const flow = copy_parameters(cpu, gate, frame); flow != Flow::Next) return flow;
  frame.push(cpu.segments[Cs].selector);
  frame.push(cpu.next_rip(op));
  if (auto const flow = frame.write(cpu, top); flow != Flow::Next) return flow;

  gate.target.enter(cpu);
  set_segment(cpu, Ss, stack);
  cpu.gpr[Rsp] = top.pointer;
  return Flow::Leave;
}

Flow call_gate(Cpu& cpu, Op const& op, std::uint16_t selector, Descriptor const& descriptor) {
  CallGate gate;
  if (auto const flow = read_call_gate(cpu, selector, descriptor, Inward::Allowed, gate);
      flow != Flow::Next) {
    return flow;
  }
  if (gate.target.cpl != cpu.cpl) return call_inner(cpu, op, gate);
  if (auto const flow = push_return(cpu, op, gate.slot); flow != Flow::Next) return flow;
  gate.target.enter(cpu);
  return Flow::Leave;
}

Flow call_segment(Cpu& cpu, Op const& op, FarPointer const& pointer, Descriptor const& descriptor) {
  CodeTarget target;
  if (auto const flow =
          read_code_target(cpu, pointer.selector, descriptor, selector_rpl(pointer.selector),
                           Inward::Refused, pointer.offset, target);
      flow != Flow::Next) {
    return flow;
  }
  if (auto const flow = push_return(cpu, op, op.operand_size); flow != Flow::Next) return flow;
  target.enter(cpu);
  return Flow::Leave;
}

Flow call_real(Cpu& cpu, Op const& op, FarPointer const& pointer) {
  if (pointer.offset > cpu.segments[Cs].limit) return cpu.raise(kGeneralProtection, 0);
  if (auto const flow = push_return(cpu, op, op.operand_size); flow != Flow::Next) return flow;
  load_real_segment(cpu, Cs, pointer.selector);
  cpu.rip = pointer.offset;
  return Flow::Leave;
}

}  // namespace

Flow call_far(Cpu& cpu, Op const& op) {
  FarPointer pointer;
  if (auto const flow = far_pointer_operand(cpu, op, pointer); flow != Flow::Next) return flow;
  if (!cpu.protected_mode()) return call_real(cpu, op, pointer);
  if (selector_is_null(pointer.selector)) return cpu.raise(kGeneralProtection, 0);
  Descriptor descriptor;
  if (auto const flow = read_descriptor(cpu, pointer.selector, descriptor); flow != Flow::Next) {
    return flow;
  }
  if (descriptor.is_segment()) return call_segment(cpu, op, pointer, descriptor);
  switch (descriptor.type()) {
    case kCallGate:
    case kCallGate16: return call_gate(cpu, op, pointer.selector, descriptor);
    case kTss:
    case kTss16:
    case kTaskGate:
      if (!cpu.long_mode()) return not_supported(cpu, "a task switch by CALL");
      break;
    default: break;
  }
  return cpu.raise(kGeneralProtection, selector_error(pointer.selector));
}

}  // namespace bh::vmm::soft
