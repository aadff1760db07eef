#pragma once

#include "vmm/soft/decode/op.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Whether misaligned accesses are exceptions now (SDM vol. 3, 6.15, "Alignment Check"). Rare
/// enough that instructions then run one by one, so that others pay nothing for it.
inline bool checks_alignment(Cpu const& cpu) {
  return (cpu.system_flags & kFlagAc) != 0 && cpu.cpl == 3 && (cpu.cr0 & kCr0Am) != 0;
}

/// #AC if the instruction's memory operand is misaligned, after the page faults of that operand.
/// Implicit operands (stack, strings) are not checked.
Flow check_alignment(Cpu& cpu, Op const& op);

}  // namespace bh::vmm::soft
