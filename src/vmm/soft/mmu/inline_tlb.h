#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/memory/guest_address.h"
#include "vmm/soft/mmu/access_kind.h"
#include "vmm/soft/mmu/slot_log.h"

namespace bh::vmm::soft {

/// The TLB of one privilege that translated code probes by itself (docs/design/soft-cpu.md). One
/// vCPU's thread only.
class InlineTlb {
 public:
  static constexpr std::size_t kEntries = 1024;

  /// A probe XORs the linear address with the tag of its access: the result is the offset in the
  /// page, or far more.
  struct alignas(32) Entry {
    std::uint64_t read;         // Linear page, or one that belongs elsewhere.
    std::uint64_t write;        // Likewise.
    std::byte* host = nullptr;  // The page.
    std::uint64_t noted = 0;    // What a place of PageSlots notes: the page, or nowhere.
  };

  InlineTlb() { forget_all(); }

  Entry const& first() const { return entries_.front(); }

  /// `access` is Read or Write; what may be written may be read. `noted`: see Entry.
  void insert(std::uint64_t linear, std::byte* host_page, Access access, bool global,
              std::uint64_t noted = 0) {
    std::uint64_t const page = linear & ~(kPageSize - 1);
    std::size_t const slot = slot_of(linear);
    Entry& entry = entries_[slot];
    if (entry.host != host_page || entry.read != page) clear(slot);
    entry.host = host_page;
    entry.read = page;
    entry.noted = noted;
    if (access == Access::Write) entry.write = page;
    if (!global) local_.note(slot);
  }

  /// A linear address that is now translated to this host address, or 0.
  std::uint64_t linear_of(std::byte const* host) const {
    std::uint64_t const offset = reinterpret_cast<std::uint64_t>(host) & (kPageSize - 1);
    for (std::size_t slot = 0; slot < kEntries; ++slot) {
      Entry const& entry = entries_[slot];
      if (entry.host == host - offset && entry.read != nowhere(slot)) return entry.read + offset;
    }
    return 0;
  }

  void forget_page(std::uint64_t linear) { clear(slot_of(linear)); }
  /// Forgets all pages of one naturally aligned range of `size` bytes.
  void forget_range(std::uint64_t linear, std::uint64_t size) {
    for (std::size_t slot = 0; slot < kEntries; ++slot) {
      if ((entries_[slot].read ^ linear) < size) clear(slot);
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

  void clear(std::size_t slot) { entries_[slot].read = entries_[slot].write = nowhere(slot); }
  void clear_writes(std::size_t slot) { entries_[slot].write = nowhere(slot); }

  std::array<Entry, kEntries> entries_;
  SlotLog local_;
};

}  // namespace bh::vmm::soft
