#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/soft/mmu/secret_page.h"

namespace bh::vmm::soft {

/// In front of a JumpTable, small enough for the first-level cache: jumps to one target have a slot
/// each (shared by chance), all others a hash of their target. Translated code fills it.
class RecentJumps {
 public:
  static constexpr std::size_t kHashed = 512;
  static constexpr std::size_t kSlots = 256;

  RecentJumps() { forget(); }

  /// First hashed, then slots.
  std::uint64_t const& first_rip() const { return rip_.front(); }
  std::uint64_t const& first_code() const { return code_.front(); }

  void forget() { rip_.fill(nowhere_); }

 private:
  std::uint64_t const nowhere_ = secret_page();
  std::array<std::uint64_t, kHashed + kSlots> rip_;
  std::array<std::uint64_t, kHashed + kSlots> code_{};
};

}  // namespace bh::vmm::soft
