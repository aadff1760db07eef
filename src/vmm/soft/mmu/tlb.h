#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/memory/guest_address.h"
#include "vmm/soft/mmu/access_kind.h"
#include "vmm/soft/mmu/inline_tlb.h"
#include "vmm/soft/mmu/jump_table.h"
#include "vmm/soft/mmu/page_slots.h"

namespace bh::vmm::soft {

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

/// All translations of one vCPU, and what depends on them.
class Mmu {
 public:
  Tlb& tlb(Privilege privilege, Access access) {
    return tlbs_[static_cast<std::size_t>(privilege)][static_cast<std::size_t>(access)];
  }
  InlineTlb& inline_tlb(Privilege privilege) {
    return inline_tlbs_[static_cast<std::size_t>(privilege)];
  }
  PageSlots& slots(Privilege privilege) { return slots_[static_cast<std::size_t>(privilege)]; }
  JumpTable& jumps(Privilege privilege) { return jumps_[static_cast<std::size_t>(privilege)]; }

  /// Enters a page in the TLB that translated code probes.
  void insert_inline(Privilege privilege, std::uint64_t linear, std::byte* host_page, Access access,
                     bool global) {
    // Slots of the kernel's code outlive address spaces.
    bool const notable = global || privilege == Privilege::User;
    auto const noted = notable ? linear & ~(kPageSize - 1) : slots(privilege).nowhere();
    inline_tlb(privilege).insert(linear, host_page, access, global, noted);
  }

  /// A translation was entered that is a piece of a page of `size` bytes.
  void note_page_size(std::uint64_t linear, std::uint64_t size) {
    if (size == kPageSize) return;
    if (size <= kLargePage) {
      large_[size_bit(linear, kLargePage)] = true;
    } else {
      huge_[size_bit(linear, kHugePage)] = true;
    }
  }

  /// INVLPG.
  void forget_page(std::uint64_t linear) {
    // It may be one of many pieces of a larger page.
    if (huge_[size_bit(linear, kHugePage)]) return forget_range(linear, kHugePage);
    if (large_[size_bit(linear, kLargePage)]) return forget_range(linear, kLargePage);
    for (auto& by_access : tlbs_) {
      for (auto& tlb : by_access) tlb.remove(linear);
    }
    for (auto& tlb : inline_tlbs_) tlb.forget_page(linear);
    for (auto& slots : slots_) slots.forget_page(linear);
    for (auto& jumps : jumps_) jumps.forget_page(linear);
    ++epoch_;
  }
  /// CR3 was written: all but global pages.
  void forget_local() {
    clear_tlbs();
    for (auto& tlb : inline_tlbs_) tlb.forget_local();
    slots(Privilege::User).forget_all();
    for (auto& jumps : jumps_) jumps.forget_local();
    ++epoch_;
  }
  /// CR0, CR4 or EFER changed.
  void forget_all() {
    clear_tlbs();
    for (auto& tlb : inline_tlbs_) tlb.forget_all();
    for (auto& slots : slots_) slots.forget_all();
    for (auto& jumps : jumps_) jumps.forget_all();
    large_.fill(false);
    huge_.fill(false);
    ++epoch_;
  }

  /// No store to this page of host memory may go unseen any more.
  void forget_writes_to(std::byte const* host_page) {
    for (auto& tlb : inline_tlbs_) tlb.forget_writes_to(host_page);
    for (auto& slots : slots_) slots.forget_writes();
  }
  void forget_writes() {
    for (auto& tlb : inline_tlbs_) tlb.forget_writes();
    for (auto& slots : slots_) slots.forget_writes();
  }

  /// Changes whenever a translation may have been withdrawn.
  std::uint64_t epoch() const { return epoch_; }

 private:
  static constexpr std::size_t kSizeBits = 2048;
  static constexpr std::uint64_t kLargePage = std::uint64_t{1} << 21;
  static constexpr std::uint64_t kHugePage = std::uint64_t{1} << 30;

  /// Programs' addresses and the kernel's never share a bit: large pages are mostly the kernel's,
  /// INVLPG mostly about programs.
  static std::size_t size_bit(std::uint64_t linear, std::uint64_t size) {
    return linear / size % (kSizeBits / 2) + (linear >> 63) * (kSizeBits / 2);
  }

  /// The aligned range of `size` bytes around `linear`.
  void forget_range(std::uint64_t linear, std::uint64_t size) {
    clear_tlbs();
    std::uint64_t const start = linear & ~(size - 1);
    for (auto& tlb : inline_tlbs_) tlb.forget_range(start, size);
    for (auto& slots : slots_) slots.forget_range(start, size);
    for (auto& jumps : jumps_) jumps.forget_range(start, size);
    ++epoch_;
  }
  void clear_tlbs() {
    for (auto& by_access : tlbs_) {
      for (auto& tlb : by_access) tlb.clear();
    }
  }

  std::array<InlineTlb, 2> inline_tlbs_;
  std::array<PageSlots, 2> slots_;
  std::array<JumpTable, 2> jumps_;
  std::array<std::array<Tlb, 3>, 2> tlbs_{};
  std::array<bool, kSizeBits> large_{};  // Ranges that large pages were entered for,
  std::array<bool, kSizeBits> huge_{};   // and pages beyond 2 MiB.
  std::uint64_t epoch_ = 1;
};

}  // namespace bh::vmm::soft
