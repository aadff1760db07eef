#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vmm/memory/guest_address.h"

namespace bh::vmm::boot {

/// The Fixed ACPI Description Table (ACPI 6.3, 5.2.9) of a machine with the legacy chips of a PC:
/// not "hardware-reduced", for that makes Linux do without PIT, PIC and ISA interrupts.
std::vector<std::byte> make_fadt(GuestAddress facs, GuestAddress dsdt);

/// The Firmware ACPI Control Structure (5.2.10), which only a FADT as above needs. It stands at a
/// multiple of its size and has no checksum.
inline constexpr std::size_t kFacsSize = 64;
std::vector<std::byte> make_facs();

}  // namespace bh::vmm::boot
