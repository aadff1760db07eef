#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vmm/memory/guest_address.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm {

/// Pages that follow each other in guest-physical memory.
struct PageRun {
  GuestAddress start;
  std::uint64_t size = 0;  // Bytes, a multiple of the page size.

  friend bool operator==(PageRun const&, PageRun const&) = default;
};

/// Which pages of guest RAM were written since they were last collected: one bit a page.
///
/// As a WriteHook it marks what devices and loaders write; an engine marks what vCPUs write. All
/// methods may be called by any thread. A write that runs while collect() does lands in this
/// collection or in the next one, never in none.
class DirtyPages final : public WriteHook {
 public:
  /// `memory` must outlive this object. Writes are passed on to `next` when there is one, so that
  /// two hooks can watch one memory.
  explicit DirtyPages(GuestMemory const& memory, WriteHook* next = nullptr);

  /// Marks every page the range touches; what lies outside guest RAM is ignored.
  void wrote(GuestAddress address, std::uint64_t size) override;

  /// The pages marked since the last call, in ascending order, neighbours joined; marks none.
  std::vector<PageRun> collect();

 private:
  void mark(std::uint64_t first_page, std::uint64_t last_page);

  GuestMemory const& memory_;
  WriteHook* next_;
  // Bit n % 64 of word n / 64 is page n of the memfd, so the hole below 4 GiB takes no bits.
  std::vector<std::atomic<std::uint64_t>> words_;
};

}  // namespace bh::vmm
