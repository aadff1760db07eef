#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/far_target.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/segment_register.h"
#include "vmm/soft/system/stack_frame.h"

namespace bh::vmm::soft {

Flow ret_far(Cpu& cpu, Op const& op) {
  auto const released = static_cast<std::uint16_t>(op.immediate);
  StackReader stack(cpu, op.operand_size);
  std::uint64_t rip = 0;
  std::uint64_t popped_selector = 0;
  if (auto const flow = stack.pop(rip); flow != Flow::Next) return flow;
  if (auto const flow = stack.pop(popped_selector); flow != Flow::Next) return flow;
  auto const selector = static_cast<std::uint16_t>(popped_selector);
  stack.skip(released);

  if (!cpu.protected_mode()) {
    if (rip > cpu.segments[Cs].limit) return cpu.raise(kGeneralProtection, 0);
    set_stack_pointer(cpu, stack.top(), stack.pointer());
    load_real_segment(cpu, Cs, selector);
    cpu.rip = rip;
    return Flow::Leave;
  }

  CodeTarget target;
  if (auto const flow = read_return_code(cpu, selector, rip, target); flow != Flow::Next)
    return flow;
  if (target.cpl == cpu.cpl) {
    set_stack_pointer(cpu, stack.top(), stack.pointer());
    target.enter(cpu);
    return Flow::Leave;
  }
  std::uint64_t pointer = 0;
  std::uint64_t stack_selector = 0;
  Segment segment;
  if (auto const flow = stack.pop(pointer); flow != Flow::Next) return flow;
  if (auto const flow = stack.pop(stack_selector); flow != Flow::Next) return flow;
  if (auto const flow =
          read_return_stack(cpu, static_cast<std::uint16_t>(stack_selector), target, segment);
      flow != Flow::Next) {
    return flow;
  }
  enter_outer(cpu, target, segment, pointer + released);
  return Flow::Leave;
}

}  // namespace bh::vmm::soft
