#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"
#include "vmm/soft/system/descriptor.h"

namespace bh::vmm::soft {

/// Reads and marks entries of the GDT and LDT, and fields of the TSS, as the CPU itself does: with
/// supervisor rights whatever the CPL.

/// The entry `selector` names. Outside its table: `vector` with the selector as error code, or-ed
/// with `external` (the EXT bit). Does not look into the entry; a null selector names entry 0.
Flow read_descriptor(Cpu& cpu, std::uint16_t selector, Descriptor& out,
                     std::uint8_t vector = kGeneralProtection, std::uint32_t external = 0);

/// The upper half of a 16-byte entry of long mode.
Flow read_descriptor_upper(Cpu& cpu, std::uint16_t selector, std::uint64_t& out);

/// Sets `bits` of the entry's type field in memory and in `descriptor`. Nothing is written if they
/// are set.
Flow mark_descriptor(Cpu& cpu, std::uint16_t selector, Descriptor& descriptor, std::uint8_t bits);

/// The stack the TSS holds for privilege `level` (0 to 2). In long mode `selector` is null and
/// `pointer` 64 bits wide. #TS if the TSS is too short.
struct TaskStack {
  std::uint16_t selector = 0;
  std::uint64_t pointer = 0;
};
Flow read_task_stack(Cpu& cpu, std::uint8_t level, std::uint32_t external, TaskStack& out);

/// Long mode's interrupt stack `number` (1 to 7).
Flow read_interrupt_stack(Cpu& cpu, std::uint8_t number, std::uint32_t external,
                          std::uint64_t& out);

}  // namespace bh::vmm::soft
