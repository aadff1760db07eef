#pragma once

#include "vmm/soft/decode/op.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/far_target.h"

namespace bh::vmm::soft {

/// The operand of far JMP and CALL: in memory or in the instruction.
inline Flow far_pointer_operand(Cpu& cpu, Op const& op, FarPointer& out) {
  if (op.has_memory) return load_far_pointer(cpu, op, out);
  auto const packed = static_cast<std::uint64_t>(op.immediate);
  out = {.selector = static_cast<std::uint16_t>(packed >> 32),
         .offset = cut(static_cast<std::uint32_t>(packed), op.operand_size)};
  return Flow::Next;
}

}  // namespace bh::vmm::soft
