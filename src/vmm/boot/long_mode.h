#pragma once

#include "base/error.h"
#include "vmm/engine/registers.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

/// The page tables made here map this much of physical memory to itself.
inline constexpr std::uint64_t kIdentityMapped = std::uint64_t{4} << 30;

/// Writes GDT and page tables and changes `state` to 64-bit mode at ring 0, interrupts off, at
/// `entry` with rsi = the zero page (boot.rst, "64-bit Boot Protocol").
Result<> enter_long_mode(GuestMemory& memory, GuestAddress entry, VcpuState& state);

}  // namespace bh::vmm::boot
