#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "tests/isa/layout.h"
#include "vmm/engine/registers.h"
#include "vmm/memory/guest_memory.h"

namespace bh::isa {

/// The guest that cases run in: user mode at CPL 3 as Linux sets it up (same selectors, CR0, CR4),
/// with the pages of layout.h, and an IDT whose handlers write their vector's number to the port
/// of that number.

inline constexpr std::uint64_t kGuestMemorySize = 2u << 20;
/// All of guest memory, for the supervisor alone.
inline constexpr std::uint64_t kSupervisorStart = 0xffff'8000'0000'0000;

/// Physical addresses. Pages adjacent for the case are not adjacent in physical memory.
inline constexpr std::array<std::uint64_t, 2> kCodePhysical{0x3'0000, 0x3'3000};
inline constexpr std::array<std::uint64_t, kDataPages.size()> kDataPhysical{0x2'0000, 0x2'4000,
                                                                            0x2'2000, 0x2'8000};

/// Writes page tables, descriptor tables and handlers.
Result<> build_guest(vmm::GuestMemory& memory);

/// System registers for them; `xcr0` 0 leaves XSAVE and with it AVX off.
vmm::SystemRegisters guest_system_registers(std::uint64_t xcr0);

}  // namespace bh::isa
