#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// How the delivery of an exception or interrupt ended.
enum class Delivery : std::uint8_t {
  Done,         // Cpu::rip is the handler.
  TripleFault,  // Cpu::exit is Shutdown.
  Exit,         // Not possible here: Cpu::exit is InternalError with words.
};

/// Delivers `exception` of the instruction at Cpu::rip (SDM vol. 3, chapter 6). What goes wrong on
/// the way is delivered instead, or becomes a double or triple fault.
Delivery deliver_exception(Cpu& cpu, Exception exception);

/// Single-step and other #DB traps: Cpu::rip is the next instruction. `cause` is or-ed into DR6.
Delivery deliver_debug_trap(Cpu& cpu, std::uint64_t cause);

/// External interrupt between two instructions; the caller has looked at IF and the interrupt
/// shadow.
Delivery deliver_interrupt(Cpu& cpu, std::uint8_t vector);

/// NMI between two instructions; blocks further ones until IRET.
Delivery deliver_nmi(Cpu& cpu);

/// INT n, INT3, INTO: pushes `next_rip`. For handlers: Leave when delivered, Fault when the gate
/// forbids it.
Flow software_interrupt(Cpu& cpu, std::uint8_t vector, std::uint64_t next_rip);

}  // namespace bh::vmm::soft
