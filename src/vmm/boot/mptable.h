#pragma once

#include "base/error.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

struct MpTableContents {
  unsigned vcpu_count = 1;  // At most kMaxVcpus.
  unsigned timer_pin = 2;   // The IOAPIC pin of ISA IRQ 0.
};

/// Writes the tables of Intel MP 1.4 for kernels without ACPI: CPUs with APIC ids 0 to n-1, one
/// IOAPIC with id n, the ISA interrupts. The floating pointer is at kMpFloatingPointer.
Result<> write_mp_table(GuestMemory& memory, MpTableContents const& contents);

}  // namespace bh::vmm::boot
