#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/descriptor_table.h"
#include "vmm/soft/system/far_pointer_operand.h"
#include "vmm/soft/system/far_target.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/not_supported.h"
#include "vmm/soft/system/segment_register.h"

namespace bh::vmm::soft {

Flow jmp_far(Cpu& cpu, Op const& op) {
  FarPointer pointer;
  if (auto const flow = far_pointer_operand(cpu, op, pointer); flow != Flow::Next) return flow;
  if (!cpu.protected_mode()) {
    if (pointer.offset > cpu.segments[Cs].limit) return cpu.raise(kGeneralProtection, 0);
    load_real_segment(cpu, Cs, pointer.selector);
    cpu.rip = pointer.offset;
    return Flow::Leave;
  }
  if (selector_is_null(pointer.selector)) return cpu.raise(kGeneralProtection, 0);
  Descriptor descriptor;
  if (auto const flow = read_descriptor(cpu, pointer.selector, descriptor); flow != Flow::Next) {
    return flow;
  }
  CodeTarget target;
  if (descriptor.is_segment()) {
    if (auto const flow =
            read_code_target(cpu, pointer.selector, descriptor, selector_rpl(pointer.selector),
                             Inward::Refused, pointer.offset, target);
        flow != Flow::Next) {
      return flow;
    }
    target.enter(cpu);
    return Flow::Leave;
  }
  switch (descriptor.type()) {
    case kCallGate:
    case kCallGate16: {
      CallGate gate;
      if (auto const flow =
              read_call_gate(cpu, pointer.selector, descriptor, Inward::Refused, gate);
          flow != Flow::Next) {
        return flow;
      }
      gate.target.enter(cpu);
      return Flow::Leave;
    }
    case kTss:
    case kTss16:
    case kTaskGate:
      if (!cpu.long_mode()) return not_supported(cpu, "a task switch by JMP");
      break;
    default: break;
  }
  return cpu.raise(kGeneralProtection, selector_error(pointer.selector));
}

}  // namespace bh::vmm::soft
