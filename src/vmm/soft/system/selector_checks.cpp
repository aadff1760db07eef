#include <algorithm>

#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/descriptor_table.h"
#include "vmm/soft/system/flags_register.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/selector_operand.h"

namespace bh::vmm::soft {

namespace {

/// Fetches the descriptor of a selector to be asked about. A selector that names nothing is no
/// fault: `found` stays false.
Flow look_up(Cpu& cpu, Op const& op, unsigned position, std::uint16_t& selector,
             Descriptor& descriptor, bool& found) {
  found = false;
  if (!cpu.protected_mode()) return cpu.raise(kInvalidOpcode);
  if (auto const flow = selector_operand(cpu, op, position, selector); flow != Flow::Next)
    return flow;
  if (selector_is_null(selector)) return Flow::Next;
  auto const flow = read_descriptor(cpu, selector, descriptor);
  // Outside the table: #GP with the selector. A page fault of the table is a real one.
  if (flow == Flow::Fault && cpu.exception.vector == kGeneralProtection) return Flow::Next;
  found = flow == Flow::Next;
  return flow;
}

bool reachable(Cpu const& cpu, std::uint16_t selector, Descriptor const& descriptor) {
  if (descriptor.is_code() && descriptor.is_conforming()) return true;
  return descriptor.dpl() >= std::max(cpu.cpl, selector_rpl(selector));
}

bool lar_knows(Cpu const& cpu, Descriptor const& descriptor) {
  if (descriptor.is_segment()) return true;
  switch (descriptor.type()) {
    case kLdtType:
    case kTss:
    case kTssBusy:
    case kCallGate: return true;
    case kTss16:
    case kTss16Busy:
    case kCallGate16:
    case kTaskGate: return !cpu.long_mode();
    default: return false;
  }
}

bool lsl_knows(Cpu const& cpu, Descriptor const& descriptor) {
  if (descriptor.is_segment()) return true;
  switch (descriptor.type()) {
    case kLdtType:
    case kTss:
    case kTssBusy: return true;
    case kTss16:
    case kTss16Busy: return !cpu.long_mode();
    default: return false;
  }
}

Flow verify(Cpu& cpu, Op const& op, bool (Descriptor::*usable)() const) {
  std::uint16_t selector = 0;
  Descriptor descriptor;
  bool found = false;
  if (auto const flow = look_up(cpu, op, 0, selector, descriptor, found); flow != Flow::Next) {
    return flow;
  }
  bool const good = found && (descriptor.*usable)() && reachable(cpu, selector, descriptor);
  set_arithmetic_flag(cpu, kFlagZf, good);
  return Flow::Next;
}

}  // namespace

Flow lar(Cpu& cpu, Op const& op) {
  std::uint16_t selector = 0;
  Descriptor descriptor;
  bool found = false;
  if (auto const flow = look_up(cpu, op, 1, selector, descriptor, found); flow != Flow::Next) {
    return flow;
  }
  bool const good = found && lar_knows(cpu, descriptor) && reachable(cpu, selector, descriptor);
  if (good) write_gpr(cpu, op.reg[0], op.operand_size, descriptor.raw >> 32 & 0x00ff'ff00);
  set_arithmetic_flag(cpu, kFlagZf, good);
  return Flow::Next;
}

Flow lsl(Cpu& cpu, Op const& op) {
  std::uint16_t selector = 0;
  Descriptor descriptor;
  bool found = false;
  if (auto const flow = look_up(cpu, op, 1, selector, descriptor, found); flow != Flow::Next) {
    return flow;
  }
  bool const good = found && lsl_knows(cpu, descriptor) && reachable(cpu, selector, descriptor);
  if (good) write_gpr(cpu, op.reg[0], op.operand_size, descriptor.limit());
  set_arithmetic_flag(cpu, kFlagZf, good);
  return Flow::Next;
}

Flow verr(Cpu& cpu, Op const& op) {
  return verify(cpu, op, &Descriptor::is_readable);
}
Flow verw(Cpu& cpu, Op const& op) {
  return verify(cpu, op, &Descriptor::is_writable_data);
}

Flow arpl(Cpu& cpu, Op const& op) {
  if (!cpu.protected_mode()) return cpu.raise(kInvalidOpcode);
  std::uint16_t selector = 0;
  if (auto const flow = selector_operand(cpu, op, 0, selector); flow != Flow::Next) return flow;
  std::uint8_t const wanted = selector_rpl(static_cast<std::uint16_t>(cpu.gpr[op.reg[1]]));
  bool const raised = selector_rpl(selector) < wanted;
  if (raised) {
    selector = static_cast<std::uint16_t>((selector & ~3) | wanted);
    if (!op.has_memory) {
      write_gpr(cpu, op.reg[0], 2, selector);
    } else if (auto const flow = store(cpu, effective_address(cpu, op), selector);
               flow != Flow::Next) {
      return flow;
    }
  }
  set_arithmetic_flag(cpu, kFlagZf, raised);
  return finish(cpu, op);
}

}  // namespace bh::vmm::soft
