#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/memory/guest_address.h"
#include "vmm/soft/mmu/recent_jumps.h"
#include "vmm/soft/mmu/slot_log.h"

namespace bh::vmm::soft {

/// Where translated code of one privilege finds the code for a RIP it did not know before. One
/// vCPU's thread only.
class JumpTable {
 public:
  static constexpr std::size_t kEntries = 4096;

  struct Entry {
    std::uint64_t rip;
    std::uint64_t code;  // Host address: of a block's external entry, or of `miss`.
  };

  /// The same that translated code computes.
  static constexpr std::size_t slot_of(std::uint64_t rip) {
    return static_cast<std::uint32_t>(rip ^ static_cast<std::uint32_t>(rip) >> 6) % kEntries;
  }

  Entry const& first() const { return entries_.front(); }
  /// A copy of some entries, for translated code to look at first.
  RecentJumps const& recent() const { return recent_; }

  /// `miss`: code to jump to where nothing is known.
  void set_miss(std::uint64_t miss) {
    miss_ = miss;
    forget_all();
  }

  void insert(std::uint64_t rip, std::uint64_t code, bool global) {
    std::size_t const slot = slot_of(rip);
    if (entries_[slot].rip == rip && entries_[slot].code != code) recent_.forget();
    entries_[slot] = {rip, code};
    note_page(rip);
    note_page(rip + kReach);  // Its first instruction may lie in two pages.
    if (!global) local_.note(slot);
  }
  std::uint64_t find(std::uint64_t rip) const {
    Entry const& entry = entries_[slot_of(rip)];
    return entry.rip == rip ? entry.code : miss_;
  }

  void forget_page(std::uint64_t linear) {
    if ((pages_[page_bit(linear) / 64] >> page_bit(linear) % 64 & 1) == 0) return;
    forget_range(linear & ~(kPageSize - 1), kPageSize);
  }
  /// `linear` is a multiple of the page size.
  void forget_range(std::uint64_t linear, std::uint64_t size) {
    forget_if([&](Entry const& entry) { return entry.rip + kReach - linear < size + kReach; });
  }
  void forget(std::uint64_t rip) {
    Entry& entry = entries_[slot_of(rip)];
    if (entry.rip == rip) clear(entry);
    recent_.forget();
  }
  void forget_code(std::uint64_t code) {
    forget_if([&](Entry const& entry) { return entry.code == code; });
  }
  /// What a write to CR3 forgets.
  void forget_local() {
    if (local_.empty()) return;
    if (!local_.for_each([this](std::size_t slot) { clear(entries_[slot]); })) forget_all();
    local_.clear();
    recent_.forget();
  }
  void forget_all() {
    for (auto& entry : entries_) clear(entry);
    pages_.fill(0);
    local_.clear();
    recent_.forget();
  }

 private:
  static constexpr std::size_t kPageBits = 1024;

  static constexpr std::uint64_t kReach = 14;  // From the first to the last byte of an instruction.

  void note_page(std::uint64_t linear) {
    pages_[page_bit(linear) / 64] |= std::uint64_t{1} << page_bit(linear) % 64;
  }
  static std::size_t page_bit(std::uint64_t linear) { return (linear >> kPageShift) % kPageBits; }
  void clear(Entry& entry) { entry = {0, miss_}; }
  template <typename Predicate>
  void forget_if(Predicate matches) {
    for (auto& entry : entries_) {
      if (matches(entry)) clear(entry);
    }
    recent_.forget();
  }

  std::array<Entry, kEntries> entries_{};
  std::array<std::uint64_t, kPageBits / 64> pages_{};
  RecentJumps recent_;
  SlotLog local_;
  std::uint64_t miss_ = 0;
};

}  // namespace bh::vmm::soft
