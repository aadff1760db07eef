#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "vmm/boot/byte_source.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

struct LoadedKernel {
  GuestAddress entry;                     // Physical; inside a loaded segment.
  std::optional<GuestAddress> pvh_entry;  // From XEN_ELFNOTE_PHYS32_ENTRY; in a loaded segment.
  GuestAddress end;                       // First byte above all segments, with their BSS.
};

/// Whether the source begins as an ELF file does.
bool is_elf(ByteSource const& source);

/// Copies the segments of a 64-bit x86 ELF executable to their physical addresses. `memory` is
/// fresh, so what a segment has beyond its file bytes is zero already.
Result<LoadedKernel> load_elf(GuestMemory& memory, ByteSource const& source);

}  // namespace bh::vmm::boot
