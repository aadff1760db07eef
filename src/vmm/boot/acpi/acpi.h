#pragma once

#include <span>

#include "base/error.h"
#include "vmm/boot/mmio_device.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

struct AcpiContents {
  unsigned vcpu_count = 1;  // At most kMaxVcpus.
  unsigned timer_pin = 2;   // The IOAPIC pin of ISA IRQ 0.
  std::span<MmioDevice const> mmio_devices;
};

/// Writes RSDP (at kRsdp), XSDT, FADT, FACS, MADT and DSDT, all below kAcpiEnd (ACPI 6.3).
Result<> write_acpi(GuestMemory& memory, AcpiContents const& contents);

}  // namespace bh::vmm::boot
