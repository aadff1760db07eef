#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"
#include "vmm/soft/system/descriptor.h"
#include "vmm/soft/system/stack_frame.h"

namespace bh::vmm::soft {

/// Checks that far transfers share (SDM vol. 3, 5.8 and vol. 2, CALL, JMP, RET, IRET).

struct FarPointer {
  std::uint16_t selector = 0;
  std::uint64_t offset = 0;
};

/// The operand of LDS and its kin and of far JMP and CALL through memory, offset first.
Flow load_far_pointer(Cpu& cpu, Op const& op, FarPointer& out);

/// A place in a code segment, checked and ready to go to.
struct CodeTarget {
  Segment segment;
  std::uint8_t cpl = 0;
  std::uint64_t rip = 0;

  void enter(Cpu& cpu) const;
};

/// #GP(0) if `rip` is outside the segment, or not canonical in a 64-bit one.
Flow check_code_offset(Cpu& cpu, Descriptor const& code, std::uint64_t rip);

/// What far JMP, far CALL and call gates may enter. `rpl` counts for non-conforming segments;
/// `inner`: a segment of a more privileged level is entered at its level.
enum class Inward : std::uint8_t { Refused, Allowed };
Flow read_code_target(Cpu& cpu, std::uint16_t selector, Descriptor const& code, std::uint8_t rpl,
                      Inward inward, std::uint64_t rip, CodeTarget& out);

/// A call gate: where it leads and how it pushes. `selector` is the gate's own.
struct CallGate {
  CodeTarget target;
  unsigned slot = 4;
  std::uint8_t parameters = 0;
};
Flow read_call_gate(Cpu& cpu, std::uint16_t selector, Descriptor const& gate, Inward inward,
                    CallGate& out);

/// What far RET and IRET may return to; the new CPL is the selector's RPL.
Flow read_return_code(Cpu& cpu, std::uint16_t selector, std::uint64_t rip, CodeTarget& out);

/// The stack they return to. A null selector is allowed below 64-bit code that is not CPL 3.
Flow read_return_stack(Cpu& cpu, std::uint16_t selector, CodeTarget const& code, Segment& out);

/// Enters `code` at an outer level, or IRET's place in 64-bit mode, with its stack.
void enter_outer(Cpu& cpu, CodeTarget const& code, Segment const& stack, std::uint64_t pointer);

}  // namespace bh::vmm::soft
