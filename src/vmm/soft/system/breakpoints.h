#pragma once

#include <cstdint>

#include "vmm/soft/decode/op.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Hardware breakpoints (SDM vol. 3, 17.2). While one is armed instructions run one by one, so that
/// others pay nothing. Implicit operands (stack, strings, descriptor tables) are not watched.
inline bool breakpoints_armed(Cpu const& cpu) {
  return (cpu.debug.dr7 & 0xff) != 0;
}

/// DR6 bits of the breakpoints on execution that the instruction at cpu.rip hits; 0 with RF set.
std::uint64_t execution_hits(Cpu const& cpu);

/// DR6 bits of the breakpoints that the instruction's memory operand hits. To be asked before it
/// runs, since it may change the registers of its address.
std::uint64_t data_hits(Cpu const& cpu, Op const& op);

}  // namespace bh::vmm::soft
