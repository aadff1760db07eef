#include "vmm/kvm/kvm_irq.h"

#include <linux/kvm.h>

#include <array>
#include <cstdint>
#include <string>

#include "vmm/kvm/kvm_abi.h"
#include "vmm/kvm/kvm_call.h"

namespace bh::vmm::kvm {

namespace {

constexpr unsigned kPicPins = 8;
// On a PC the timer's line reaches pin 2 of the IOAPIC, and the second PIC cascades where pin 2
// would be. KVM's own default connects every line to the pin of its number.
constexpr unsigned kTimerGsi = 0;
constexpr unsigned kTimerPin = 2;
constexpr unsigned kCascadeGsi = 2;

/// The argument of KVM_SET_GSI_ROUTING: the header, and the entries behind it.
struct GsiRouting {
  std::uint32_t count = 0;
  std::uint32_t flags = 0;
  std::array<kvm_irq_routing_entry, kIoApicPins + 2 * kPicPins> entries{};

  void add(unsigned gsi, unsigned chip, unsigned pin) {
    auto& entry = entries[count++];
    entry.gsi = gsi;
    entry.type = KVM_IRQ_ROUTING_IRQCHIP;
    entry.u.irqchip.irqchip = chip;
    entry.u.irqchip.pin = pin;
  }
};

Result<> route_lines_as_a_pc(os::UniqueFd const& vm) {
  GsiRouting routing;
  for (unsigned gsi = 0; gsi < kIoApicPins; ++gsi) {
    if (gsi == kCascadeGsi) continue;
    if (gsi < kPicPins) routing.add(gsi, KVM_IRQCHIP_PIC_MASTER, gsi);
    if (gsi >= kPicPins && gsi < 2 * kPicPins) {
      routing.add(gsi, KVM_IRQCHIP_PIC_SLAVE, gsi - kPicPins);
    }
    routing.add(gsi, KVM_IRQCHIP_IOAPIC, gsi == kTimerGsi ? kTimerPin : gsi);
  }
  BH_TRY(tell(vm, kSetGsiRouting, "KVM_SET_GSI_ROUTING", &routing));
  return {};
}

}  // namespace

Result<> create_interrupt_chips(os::UniqueFd const& vm) {
  BH_TRY(tell(vm, KVM_CREATE_IRQCHIP, "KVM_CREATE_IRQCHIP"));
  BH_TRY(route_lines_as_a_pc(vm));
  kvm_pit_config pit{};
  // Port 0x61 belongs to the PIT: without this guests that time the CPU by it wait for ever.
  pit.flags = KVM_PIT_SPEAKER_DUMMY;
  BH_TRY(tell(vm, KVM_CREATE_PIT2, "KVM_CREATE_PIT2", &pit));
  return {};
}

Result<> set_line(os::UniqueFd const& vm, unsigned gsi, LineLevel level) {
  if (gsi >= kIoApicPins) {
    return fail(Errc::Invalid, "interrupt line " + std::to_string(gsi) + ": lines are 0 to 23");
  }
  kvm_irq_level line{};
  line.irq = gsi;
  line.level = level == LineLevel::High ? 1 : 0;
  BH_TRY(tell(vm, KVM_IRQ_LINE, "KVM_IRQ_LINE", &line));
  return {};
}

}  // namespace bh::vmm::kvm
