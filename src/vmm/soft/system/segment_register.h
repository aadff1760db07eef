#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"
#include "vmm/soft/system/descriptor.h"

namespace bh::vmm::soft {

/// Sets a segment register and the mirror of its base. CS: see set_code_segment().
inline void set_segment(Cpu& cpu, SegmentIndex index, Segment const& segment) {
  cpu.segments[index] = segment;
  cpu.segment_base[index] = segment.base;
}

/// How wide code in this segment is now, with the CPU's mode.
inline CodeSize code_size_of(Cpu const& cpu, Segment const& code) {
  if (cpu.long_mode() && code.l != 0) return CodeSize::Bits64;
  return code.db != 0 ? CodeSize::Bits32 : CodeSize::Bits16;
}

/// Sets CS, the privilege level and the code size. `segment.selector` already has its RPL.
inline void set_code_segment(Cpu& cpu, Segment const& segment, std::uint8_t cpl) {
  set_segment(cpu, Cs, segment);
  cpu.cpl = cpl;
  cpu.code_size = code_size_of(cpu, segment);
}

/// Real mode: only selector and base change, limits stay what protected mode left.
void load_real_segment(Cpu& cpu, SegmentIndex index, std::uint16_t selector);

/// What MOV, POP, LDS... do to ES, SS, DS, FS, GS, with all checks (SDM vol. 2, MOV).
Flow load_segment_register(Cpu& cpu, SegmentIndex index, std::uint16_t selector);

/// Checks a selector for SS at privilege level `cpl` and reads it. `vector` reports all but "not
/// present", which is #SS; `external` is or-ed into error codes.
Flow read_stack_segment(Cpu& cpu, std::uint16_t selector, std::uint8_t cpl, std::uint8_t vector,
                        std::uint32_t external, Segment& out);

/// After a return to an outer level: data segments the new CPL may not use become null.
void drop_inner_segments(Cpu& cpu);

}  // namespace bh::vmm::soft
