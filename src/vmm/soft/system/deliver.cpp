#include "vmm/soft/system/deliver.h"

#include "vmm/soft/system/debug_bits.h"
#include "vmm/soft/system/gate.h"
#include "vmm/soft/system/not_supported.h"

namespace bh::vmm::soft {

namespace {

/// Classes of exceptions for the double-fault rules (SDM vol. 3, tables 6-4 and 6-5).
enum class Severity : std::uint8_t { Benign, Contributory, PageFault, DoubleFault };

Severity severity_of(std::uint8_t vector) {
  switch (vector) {
    case kDivideError:
    case kInvalidTss:
    case kSegmentNotPresent:
    case kStackFault:
    case kGeneralProtection: return Severity::Contributory;
    case kPageFault: return Severity::PageFault;
    case kDoubleFault: return Severity::DoubleFault;
    default: return Severity::Benign;
  }
}

bool makes_double_fault(std::uint8_t first, std::uint8_t second) {
  Severity const a = severity_of(first);
  Severity const b = severity_of(second);
  if (a == Severity::Contributory) return b == Severity::Contributory;
  if (a == Severity::PageFault) return b == Severity::Contributory || b == Severity::PageFault;
  return false;
}

Event event_of(Cpu const& cpu, Exception const& exception) {
  Event event{.vector = exception.vector, .return_rip = cpu.rip, .resume_flag = true};
  // Real mode pushes no error codes; enter_gate() ignores it there.
  if (exception.has_error_code) event.error_code = exception.error_code;
  return event;
}

void accepted(Cpu& cpu, std::uint8_t vector) {
  // The handler of #DB may use debug registers.
  if (vector == kDebug) cpu.debug.dr7 &= ~kDr7GeneralDetect;
  cpu.activity = Activity::Running;
  cpu.interrupt_shadow = false;
  cpu.replay.clear();
}

/// What was pushed for an earlier attempt stays below the stack pointer, as on hardware.
Delivery deliver(Cpu& cpu, Event event) {
  for (;;) {
    Flow const flow = enter_gate(cpu, event);
    if (flow == Flow::Next) {
      accepted(cpu, event.vector);
      return Delivery::Done;
    }
    if (flow == Flow::Exit) {
      if (!std::holds_alternative<InternalError>(cpu.exit)) {
        not_supported(cpu, "descriptor tables or interrupt stacks outside of RAM");
      }
      return Delivery::Exit;
    }
    Exception const second = cpu.exception;
    if (severity_of(event.vector) == Severity::DoubleFault &&
        severity_of(second.vector) != Severity::Benign) {
      cpu.exit = Shutdown{};
      return Delivery::TripleFault;
    }
    bool const doubled = makes_double_fault(event.vector, second.vector);
    event = event_of(cpu, doubled ? Exception{kDoubleFault, true, 0} : second);
  }
}

}  // namespace

Delivery deliver_exception(Cpu& cpu, Exception exception) {
  return deliver(cpu, event_of(cpu, exception));
}

Delivery deliver_debug_trap(Cpu& cpu, std::uint64_t cause) {
  cpu.debug.dr6 |= cause;
  return deliver(cpu, {.vector = kDebug, .return_rip = cpu.rip});
}

Delivery deliver_interrupt(Cpu& cpu, std::uint8_t vector) {
  return deliver(cpu, {.vector = vector, .return_rip = cpu.rip});
}

Delivery deliver_nmi(Cpu& cpu) {
  auto const delivery = deliver(cpu, {.vector = kNmi, .return_rip = cpu.rip});
  if (delivery == Delivery::Done) cpu.nmi_blocked = true;
  return delivery;
}

Flow software_interrupt(Cpu& cpu, std::uint8_t vector, std::uint64_t next_rip) {
  Flow const flow = enter_gate(
      cpu, {.vector = vector, .source = Event::Source::Software, .return_rip = next_rip});
  if (flow != Flow::Next) return flow;
  accepted(cpu, vector);
  return Flow::Leave;
}

}  // namespace bh::vmm::soft
