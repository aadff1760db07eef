#pragma once

#include "vmm/soft/mmu/access.h"

namespace bh::vmm::soft {

/// A 16-bit operand that is register `position` of the instruction, or in memory.
inline Flow selector_operand(Cpu& cpu, Op const& op, unsigned position, std::uint16_t& out) {
  if (op.has_memory) return load(cpu, effective_address(cpu, op), out);
  out = static_cast<std::uint16_t>(cpu.gpr[op.reg[position]]);
  return Flow::Next;
}

}  // namespace bh::vmm::soft
