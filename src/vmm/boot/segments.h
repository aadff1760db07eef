#pragma once

#include <cstdint>

#include "base/error.h"
#include "vmm/engine/registers.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

/// boot.rst asks for these selectors (__BOOT_CS and __BOOT_DS).
inline constexpr std::uint16_t kCodeSelector = 0x10;
inline constexpr std::uint16_t kDataSelector = 0x18;
inline constexpr std::uint16_t kTaskSelector = 0x20;

enum class CodeWidth { Bits32, Bits64 };

/// Writes a GDT with flat code and data segments and a task segment to kGdt, and loads `system`
/// with it and them: as if the guest had done it by LGDT, far jump, MOV and LTR.
Result<> load_flat_segments(GuestMemory& memory, CodeWidth width, SystemRegisters& system);

}  // namespace bh::vmm::boot
