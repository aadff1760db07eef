#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/memory/guest_address.h"

namespace bh::vmm::soft {

enum class Access : std::uint8_t { Read, Write, Execute };
enum class Privilege : std::uint8_t { Supervisor, User };

/// One translation: guest-virtual page to host memory.
struct TlbEntry {
  std::uint64_t tag = 0;     // Linear page address | Tlb's stamp; 0 is empty.
  std::uint64_t addend = 0;  // Host address - linear address.
};

/// Translations of one privilege and access kind, direct mapped.
class Tlb {
 public:
  static constexpr std::size_t kEntries = 512;

  std::uint64_t tag_of(std::uint64_t linear) const { return (linear & ~(kPageSize - 1)) | stamp_; }

  TlbEntry& slot(std::uint64_t linear) { return entries_[(linear >> kPageShift) % kEntries]; }

  /// Host address of `size` bytes at `linear`, or nullptr: not here, or it crosses a page.
  std::byte* find(std::uint64_t linear, std::uint64_t size) {
    TlbEntry const& entry = slot(linear);
    if (entry.tag != tag_of(linear) || (linear & (kPageSize - 1)) + size > kPageSize) [[unlikely]] {
      return nullptr;
    }
    return reinterpret_cast<std::byte*>(linear + entry.addend);
  }

  void insert(std::uint64_t linear, std::byte* host_page) {
    std::uint64_t const page = linear & ~(kPageSize - 1);
    slot(linear) = {page | stamp_, reinterpret_cast<std::uint64_t>(host_page) - page};
  }
  void remove(std::uint64_t linear) {
    if (slot(linear).tag == tag_of(linear)) slot(linear).tag = 0;
  }
  /// Forgets everything. A guest does this at each change of address space, so it is mostly just a
  /// new stamp.
  void clear() {
    if (++stamp_ < kPageSize) return;
    stamp_ = 1;
    entries_.fill({});
  }

 private:
  std::uint64_t stamp_ = 1;  // Below the page size, never 0.
  std::array<TlbEntry, kEntries> entries_{};
};

/// All translations of one vCPU.
class Mmu {
 public:
  Tlb& tlb(Privilege privilege, Access access) {
    return tlbs_[static_cast<std::size_t>(privilege)][static_cast<std::size_t>(access)];
  }

  /// INVLPG. A large page may have left several entries: `whole` forgets all of them.
  void forget_page(std::uint64_t linear) {
    for (auto& by_access : tlbs_) {
      for (auto& tlb : by_access) tlb.remove(linear);
    }
    ++epoch_;
  }
  /// CR3, CR0, CR4 or EFER changed. Global pages go as well, which is allowed.
  void forget_all() {
    for (auto& by_access : tlbs_) {
      for (auto& tlb : by_access) tlb.clear();
    }
    ++epoch_;
  }

  /// Changes whenever a translation may have been withdrawn.
  std::uint64_t epoch() const { return epoch_; }

 private:
  std::array<std::array<Tlb, 3>, 2> tlbs_{};
  std::uint64_t epoch_ = 1;
};

}  // namespace bh::vmm::soft
