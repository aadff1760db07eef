#pragma once

#include <cstdint>
#include <vector>

#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

/// Types of ACPI 6.3, 15.1, table 15-374; the PVH memory map uses the same numbers.
enum class E820Type : std::uint32_t { Ram = 1, Reserved = 2 };

struct E820Entry {
  GuestAddress start;
  std::uint64_t size = 0;
  E820Type type = E820Type::Ram;

  friend bool operator==(E820Entry const&, E820Entry const&) = default;
};

/// The memory map for the kernel, ascending: RAM, with the BIOS areas below 1 MiB reserved. Memory
/// must be larger than 1 MiB.
std::vector<E820Entry> memory_map(GuestMemory const& memory);

}  // namespace bh::vmm::boot
