#include "vmm/kvm/kvm_irq.h"

#include <linux/kvm.h>

#include <string>

#include "vmm/kvm/kvm_call.h"

namespace bh::vmm::kvm {

Result<> create_interrupt_chips(os::UniqueFd const& vm) {
  BH_TRY(call(vm, KVM_CREATE_IRQCHIP, "KVM_CREATE_IRQCHIP"));
  kvm_pit_config pit{};
  // Port 0x61 belongs to the PIT: without this guests that time the CPU by it wait for ever.
  pit.flags = KVM_PIT_SPEAKER_DUMMY;
  BH_TRY(call(vm, KVM_CREATE_PIT2, "KVM_CREATE_PIT2", &pit));
  return {};
}

Result<> set_line(os::UniqueFd const& vm, unsigned gsi, LineLevel level) {
  if (gsi >= kIoApicPins) {
    return fail(Errc::Invalid, "interrupt line " + std::to_string(gsi) + ": lines are 0 to 23");
  }
  kvm_irq_level line{};
  line.irq = gsi;
  line.level = level == LineLevel::High ? 1 : 0;
  BH_TRY(call(vm, KVM_IRQ_LINE, "KVM_IRQ_LINE", &line));
  return {};
}

}  // namespace bh::vmm::kvm
