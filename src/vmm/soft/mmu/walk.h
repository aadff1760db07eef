#pragma once

#include <cstdint>

#include "vmm/soft/mmu/tlb.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Result of a page walk: a guest-physical address, or the page fault to raise.
struct Translation {
  bool ok = false;
  /// The page may be entered in the write TLB: its dirty bit is set.
  bool writable = false;
  bool global = false;                  // Outlives a change of CR3 (CR4.PGE is on).
  std::uint64_t page_size = kPageSize;  // Bytes that its leaf entry maps.
  std::uint64_t physical = 0;
  std::uint32_t error_code = 0;
};

/// Walks the guest's page tables for `linear` (SDM vol. 3, 4.3 to 4.6), sets accessed and dirty
/// bits. Handles no paging, 32-bit, PAE and 4-level paging. Raises nothing: see `ok`.
Translation walk(Cpu& cpu, std::uint64_t linear, Access access, Privilege privilege);

/// Whether 64-bit linear addresses have their upper 17 bits equal.
constexpr bool is_canonical(std::uint64_t linear) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16) == linear;
}

}  // namespace bh::vmm::soft
