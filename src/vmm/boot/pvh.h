#pragma once

#include <optional>
#include <span>

#include "base/error.h"
#include "vmm/boot/e820.h"
#include "vmm/boot/initrd.h"
#include "vmm/engine/registers.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

struct PvhContents {
  std::optional<InitrdPlace> initrd;
  std::span<E820Entry const> memory_map;
};

/// Writes hvm_start_info with its module list and memory map to kPvhStartInfo (Xen
/// public/arch-x86/hvm/start_info.h).
Result<> write_pvh_start_info(GuestMemory& memory, PvhContents const& contents);

/// Changes `state` to 32-bit protected mode without paging at `entry`, with ebx = kPvhStartInfo.
Result<> enter_pvh(GuestMemory& memory, GuestAddress entry, VcpuState& state);

}  // namespace bh::vmm::boot
