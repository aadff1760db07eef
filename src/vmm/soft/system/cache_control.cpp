#include "vmm/soft/mmu/access.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

Flow invlpg(Cpu& cpu, Op const& op) {
  if (cpu.cpl != 0) return cpu.raise(kGeneralProtection, 0);
  cpu.mmu.forget_page(effective_address(cpu, op));
  cpu.rip = cpu.next_rip(op);
  return Flow::Leave;
}

// The host's caches are coherent with everything the guest can see: nothing to do.
Flow wbinvd(Cpu& cpu, Op const& /*op*/) {
  return cpu.cpl == 0 ? Flow::Next : cpu.raise(kGeneralProtection, 0);
}

Flow clflush(Cpu& cpu, Op const& op) {
  // Faults as a load of one byte does (SDM vol. 2, CLFLUSH), but touches no device.
  Place place;
  return translate(cpu, effective_address(cpu, op), Access::Read, current_privilege(cpu), place);
}

Flow pause(Cpu& /*cpu*/, Op const& /*op*/) {
  return Flow::Next;
}

}  // namespace bh::vmm::soft
