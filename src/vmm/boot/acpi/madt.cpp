#include "vmm/boot/acpi/madt.h"

#include "vmm/boot/acpi/table.h"
#include "vmm/boot/layout.h"

namespace bh::vmm::boot {

namespace {

constexpr std::uint8_t kRevision = 5;
constexpr std::uint32_t kPcCompatible = 1;  // There are two 8259s.
constexpr std::uint32_t kEnabled = 1;

// Table 5-45, the types of interrupt controller structures.
constexpr std::uint8_t kLocalApicType = 0;
constexpr std::uint8_t kIoApicType = 1;
constexpr std::uint8_t kOverrideType = 2;
constexpr std::uint8_t kLocalNmiType = 4;

constexpr std::uint8_t kAllProcessors = 0xff;
constexpr std::uint8_t kNmiInput = 1;  // LINT1.
constexpr std::uint8_t kIsaBus = 0;
constexpr unsigned kSciInterrupt = 9;
constexpr std::uint16_t kAsTheBus = 0;
constexpr std::uint16_t kActiveHighLevel = 0xd;

void add_override(AcpiTable& table, unsigned irq, unsigned gsi, std::uint16_t flags) {
  table.add(kOverrideType, 1).add(10, 1).add(kIsaBus, 1).add(irq, 1).add(gsi, 4).add(flags, 2);
}

}  // namespace

std::vector<std::byte> make_madt(unsigned vcpu_count, unsigned timer_pin) {
  AcpiTable table("APIC", kRevision);
  table.add(kLocalApic.value, 4).add(kPcCompatible, 4);
  // Ids below 255 are listed this way even if the CPU has an x2APIC, which CPUID tells (5.2.12.12).
  for (unsigned id = 0; id < vcpu_count; ++id) {
    table.add(kLocalApicType, 1).add(8, 1).add(id, 1).add(id, 1).add(kEnabled, 4);
  }
  table.add(kIoApicType, 1).add(12, 1).add(vcpu_count, 1).add(0, 1).add(kIoApic.value, 4).add(0, 4);
  if (timer_pin != 0) add_override(table, 0, timer_pin, kAsTheBus);
  add_override(table, kSciInterrupt, kSciInterrupt, kActiveHighLevel);
  table.add(kLocalNmiType, 1).add(6, 1).add(kAllProcessors, 1).add(0, 2).add(kNmiInput, 1);
  return std::move(table).finish();
}

}  // namespace bh::vmm::boot
