#pragma once

#include <cstddef>
#include <vector>

namespace bh::vmm::boot {

/// The Multiple APIC Description Table (ACPI 6.3, 5.2.12): local APICs 0 to n-1, one IOAPIC, a PC's
/// 8259s. `timer_pin` is the IOAPIC pin of ISA IRQ 0.
std::vector<std::byte> make_madt(unsigned vcpu_count, unsigned timer_pin);

}  // namespace bh::vmm::boot
