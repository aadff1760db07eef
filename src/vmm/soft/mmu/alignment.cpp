#include "vmm/soft/mmu/alignment.h"

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/step/handlers.h"

namespace bh::vmm::soft {

Flow check_alignment(Cpu& cpu, Op const& op) {
  // Operands of other sizes are either checked by the instruction itself or have no alignment.
  bool const natural = op.memory_size == 2 || op.memory_size == 4 || op.memory_size == 8;
  // Fillers name memory they do not touch.
  if (!op.has_memory || !natural || op.handler == no_operation) return Flow::Next;
  std::uint64_t const linear = effective_address(cpu, op);
  if (linear % op.memory_size == 0) return Flow::Next;
  auto const access = op.memory_access == OperandAccess::Read ? Access::Read : Access::Write;
  auto const privilege = current_privilege(cpu);
  for (auto const byte : {linear, linear + op.memory_size - 1}) {
    Place place;
    if (auto const flow = translate(cpu, byte, access, privilege, place); flow != Flow::Next) {
      return flow;
    }
  }
  return cpu.raise(kAlignmentCheck, 0);
}

}  // namespace bh::vmm::soft
