#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/memory/guest_address.h"
#include "vmm/soft/mmu/access_kind.h"

namespace bh::vmm::soft {

/// In front of the InlineTlb of one privilege: each place in translated code that touches memory
/// has a slot with the page it touched last (docs/design/soft-cpu.md). Slots are shared by chance.
/// One vCPU's thread only.
class PageSlots {
 public:
  /// Slots of single places, of the stack, and of what FS and GS point to.
  static constexpr std::size_t kPlaces = 256 - 16 - 8;
  static constexpr std::size_t kStacks = 16;
  static constexpr std::size_t kSegments = 8;
  static constexpr std::size_t kCount = kPlaces + kStacks + kSegments;

  struct Slots {
    /// Linear pages. A place XORs its address with it, as InlineTlb::Entry says.
    std::array<std::uint64_t, kCount> page;
    std::array<std::byte*, kCount> host{};
    /// How often a slot may still be refilled before the place that does it gives it up.
    std::array<std::uint64_t, kCount> patience;
  };

  PageSlots();

  Slots const& of(Access access) const { return access == Access::Write ? writes_ : reads_; }
  /// The page of a slot that has none: of an address no program can know, and none can have.
  std::uint64_t nowhere() const { return nowhere_; }

  void forget_page(std::uint64_t linear) { forget_range(linear & ~(kPageSize - 1), kPageSize); }
  /// Forgets all pages of one naturally aligned range of `size` bytes.
  void forget_range(std::uint64_t linear, std::uint64_t size);
  void forget_writes() { writes_.page.fill(nowhere_); }
  void forget_all();

  void be_patient();

 private:
  std::uint64_t nowhere_;
  Slots reads_;
  Slots writes_;
};

}  // namespace bh::vmm::soft
