#pragma once

#include <cstdint>
#include <optional>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// What an interrupt or exception is, on its way through the IDT.
struct Event {
  enum class Source : std::uint8_t {
    Software,  // INT n, INT3, INTO: the gate's DPL counts, EXT stays clear.
    Hardware,  // Exceptions, interrupts, NMI and INT1.
  };
  std::uint8_t vector = 0;
  std::optional<std::uint32_t> error_code;
  Source source = Source::Hardware;
  std::uint64_t return_rip = 0;
  bool resume_flag = false;  // RF of the pushed flags: faults set it.
};

/// Sends `event` through the IDT, or the real-mode vector table. Next: done, Cpu::rip is the
/// handler. Fault: nothing changed but memory below the stack pointer; Cpu::exception is what went
/// wrong. Exit: Cpu::exit says.
Flow enter_gate(Cpu& cpu, Event const& event);

}  // namespace bh::vmm::soft
