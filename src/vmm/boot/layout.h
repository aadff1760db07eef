#pragma once

#include <cstdint>

#include "vmm/memory/guest_address.h"

namespace bh::vmm::boot {

/// Where the loader puts things below 1 MiB; docs/design/boot.md has the map.

inline constexpr GuestAddress kGdt{0x500};
inline constexpr GuestAddress kPvhStartInfo{0x6000};  // One page with module list and memory map.
inline constexpr GuestAddress kZeroPage{0x7000};
inline constexpr GuestAddress kSetupData{0x8000};
inline constexpr GuestAddress kStackTop{0x8ff0};
inline constexpr GuestAddress kPageTables{0x9000};  // Six pages: PML4, PDPT and four PDs.
inline constexpr GuestAddress kCommandLine{0x20000};
/// Base memory ends here and the extended BIOS data area begins: where Linux looks for the MP
/// floating pointer first.
inline constexpr GuestAddress kBaseMemoryEnd{0x9fc00};
inline constexpr GuestAddress kMpFloatingPointer = kBaseMemoryEnd;
/// The BIOS read-only area, where ACPI 6.3, 5.2.5.1 has the RSDP looked for.
inline constexpr GuestAddress kRsdp{0xe0000};
inline constexpr GuestAddress kAcpiEnd{0xe8000};
inline constexpr GuestAddress kMpConfigTable{0xe8000};
inline constexpr GuestAddress kMpConfigEnd{0xf0000};
/// Kernel and initrd stay at or above this.
inline constexpr GuestAddress kKernelFloor{0x100000};

/// The interrupt chips of a PC (Intel MP 1.4, 3.1).
inline constexpr GuestAddress kLocalApic{0xfee0'0000};
inline constexpr GuestAddress kIoApic{0xfec0'0000};
inline constexpr unsigned kIoApicPins = 24;
inline constexpr unsigned kIsaIrqs = 16;

/// APIC ids are one byte in the MP table, and 0xff is the broadcast id.
inline constexpr unsigned kMaxVcpus = 254;

}  // namespace bh::vmm::boot
