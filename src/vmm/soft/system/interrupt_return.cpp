#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/far_target.h"
#include "vmm/soft/system/flags_register.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/not_supported.h"
#include "vmm/soft/system/segment_register.h"
#include "vmm/soft/system/stack_frame.h"

namespace bh::vmm::soft {

namespace {

struct Popped {
  std::uint64_t rip = 0;
  std::uint64_t selector = 0;
  std::uint64_t flags = 0;
};

Flow pop_three(StackReader& stack, Popped& out) {
  for (auto* word : {&out.rip, &out.selector, &out.flags}) {
    if (auto const flow = stack.pop(*word); flow != Flow::Next) return flow;
  }
  return Flow::Next;
}

/// What IRET takes from the popped flags; evaluated before the CPL changes.
std::uint64_t returned_flags(Cpu const& cpu, unsigned size) {
  std::uint64_t mask = changeable_flags(cpu, size);
  if (size > 2) mask |= kFlagRf;
  if (size > 2 && cpu.cpl == 0) mask |= kFlagVif | kFlagVip;
  return mask;
}

Flow real_return(Cpu& cpu, Op const& op, StackReader const& stack, Popped const& popped) {
  if (popped.rip > cpu.segments[Cs].limit) return cpu.raise(kGeneralProtection, 0);
  set_stack_pointer(cpu, stack.top(), stack.pointer());
  load_real_segment(cpu, Cs, static_cast<std::uint16_t>(popped.selector));
  cpu.rip = popped.rip;
  replace_flags(cpu, popped.flags, returned_flags(cpu, op.operand_size));
  cpu.nmi_blocked = false;
  return Flow::Leave;
}

}  // namespace

Flow iret(Cpu& cpu, Op const& op) {
  if (cpu.protected_mode() && (cpu.system_flags & kFlagNt) != 0) {
    if (cpu.long_mode()) return cpu.raise(kGeneralProtection, 0);
    return not_supported(cpu, "a task switch by IRET");
  }
  StackReader stack(cpu, op.operand_size);
  Popped popped;
  if (auto const flow = pop_three(stack, popped); flow != Flow::Next) return flow;
  if (!cpu.protected_mode()) return real_return(cpu, op, stack, popped);

  bool const to_virtual_8086 =
      !cpu.long_mode() && cpu.cpl == 0 && op.operand_size == 4 && (popped.flags & kFlagVm) != 0;
  if (to_virtual_8086) return not_supported(cpu, "virtual-8086 mode");

  CodeTarget target;
  if (auto const flow =
          read_return_code(cpu, static_cast<std::uint16_t>(popped.selector), popped.rip, target);
      flow != Flow::Next) {
    return flow;
  }
  std::uint64_t const mask = returned_flags(cpu, op.operand_size);
  bool const pops_stack = target.cpl != cpu.cpl || cpu.code_size == CodeSize::Bits64;
  if (pops_stack) {
    std::uint64_t pointer = 0;
    std::uint64_t selector = 0;
    Segment segment;
    if (auto const flow = stack.pop(pointer); flow != Flow::Next) return flow;
    if (auto const flow = stack.pop(selector); flow != Flow::Next) return flow;
    if (auto const flow =
            read_return_stack(cpu, static_cast<std::uint16_t>(selector), target, segment);
        flow != Flow::Next) {
      return flow;
    }
    enter_outer(cpu, target, segment, pointer);
  } else {
    set_stack_pointer(cpu, stack.top(), stack.pointer());
    target.enter(cpu);
  }
  replace_flags(cpu, popped.flags, mask);
  cpu.nmi_blocked = false;
  return Flow::Leave;
}

}  // namespace bh::vmm::soft
