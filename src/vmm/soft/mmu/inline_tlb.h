#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/memory/guest_address.h"
#include "vmm/soft/mmu/access_kind.h"
#include "vmm/soft/mmu/slot_log.h"

namespace bh::vmm::soft {

/// The TLB that translated code probes by itself (docs/design/soft-cpu.md). One vCPU's thread only.
class InlineTlb {
 public:
  static constexpr std::size_t kEntries = 1024;

  /// A line of the host's cache. A probe XORs the linear address with the tag of its privilege and
  /// access: the result is the offset in the page, or far more.
  struct alignas(64) Entry {
    std::array<std::uint64_t, 4> tags;  // tag_index(): linear page, or one that belongs elsewhere.
    std::byte* host = nullptr;          // The page.
  };
  static constexpr std::size_t tag_index(Privilege privilege, Access access) {
    return static_cast<std::size_t>(privilege) * 2 + (access == Access::Write ? 1 : 0);
  }

  InlineTlb() { forget_all(); }

  Entry const& first() const { return entries_.front(); }

  /// `access` is Read or Write; what may be written may be read.
  void insert(std::uint64_t linear, std::byte* host_page, Privilege privilege, Access access,
              bool global) {
    std::uint64_t const page = linear & ~(kPageSize - 1);
    std::size_t const slot = slot_of(linear);
    Entry& entry = entries_[slot];
    if (entry.host != host_page || !holds(slot, page)) clear(slot);
    entry.host = host_page;
    entry.tags[tag_index(privilege, Access::Read)] = page;
    if (access == Access::Write) entry.tags[tag_index(privilege, Access::Write)] = page;
    if (!global) local_.note(slot);
  }

  void forget_page(std::uint64_t linear) { clear(slot_of(linear)); }
  /// Forgets all pages of one naturally aligned range of `size` bytes.
  void forget_range(std::uint64_t linear, std::uint64_t size) {
    for (std::size_t slot = 0; slot < kEntries; ++slot) {
      for (auto const tag : entries_[slot].tags) {
        if ((tag ^ linear) < size) clear(slot);
      }
    }
  }
  /// No store to this page of host memory may go unseen any more.
  void forget_writes_to(std::byte const* host_page) {
    for (std::size_t slot = 0; slot < kEntries; ++slot) {
      if (entries_[slot].host == host_page) clear_writes(slot);
    }
  }
  void forget_writes() {
    for (std::size_t slot = 0; slot < kEntries; ++slot) clear_writes(slot);
  }
  /// What a write to CR3 forgets.
  void forget_local() {
    if (!local_.for_each([this](std::size_t slot) { clear(slot); })) forget_all();
    local_.clear();
  }
  void forget_all() {
    for (std::size_t slot = 0; slot < kEntries; ++slot) clear(slot);
    local_.clear();
  }

 private:
  static std::size_t slot_of(std::uint64_t linear) { return (linear >> kPageShift) % kEntries; }
  /// No address with this slot's index has this page.
  static std::uint64_t nowhere(std::size_t slot) { return (slot ^ 1) << kPageShift; }

  bool holds(std::size_t slot, std::uint64_t page) const {
    auto const& tags = entries_[slot].tags;
    return tags[0] == page || tags[2] == page;
  }
  void clear(std::size_t slot) { entries_[slot].tags.fill(nowhere(slot)); }
  void clear_writes(std::size_t slot) {
    for (auto const privilege : {Privilege::Supervisor, Privilege::User}) {
      entries_[slot].tags[tag_index(privilege, Access::Write)] = nowhere(slot);
    }
  }

  std::array<Entry, kEntries> entries_;
  SlotLog local_;
};

}  // namespace bh::vmm::soft
