#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

struct InitrdPlace {
  GuestAddress address;  // Page-aligned.
  std::uint64_t size = 0;
};

/// Reads the file to the highest pages of low memory (below kLowMemoryEnd), where it is out of the
/// kernel's way; all of it stays at or above `floor`, the end of the kernel.
Result<InitrdPlace> load_initrd(GuestMemory& memory, std::string const& path, GuestAddress floor);

}  // namespace bh::vmm::boot
