#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "os/mapped_region.h"
#include "vmm/engine/engine.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/soft/cache/code_user.h"

namespace bh::vmm::soft {

/// Knows which 64-byte pieces of guest RAM have been decoded as code, so that a store to one of
/// them, through whatever mapping and by whichever vCPU or device, makes the blocks of its page out
/// of date.
///
/// A store is followed by note_write(). A decoder calls watch() before it reads the bytes. Between
/// them stands membarrier(2) for a page's first code, a barrier of the store's later on: either the
/// store sees the watch, or the decoder sees the stored bytes.
class CodePages final : public WriteHook {
 public:
  static Result<CodePages> create(GuestMemory const& memory);

  /// Index of the page at `host`, which must point into guest RAM.
  std::size_t page_of(std::byte const* host) const {
    return static_cast<std::size_t>(host - base_) >> kPageShift;
  }

  /// To be called after each store to RAM. True if the range held decoded code.
  bool note_write(std::byte const* host, std::uint64_t size) {
    if (!watches(page_of(host))) [[likely]]
      return false;
    return changed(host, size);
  }
  /// The 64-byte pieces of its page, a bit each, that a range inside the page touches.
  static std::uint64_t granules_of(std::byte const* host, std::uint64_t size) {
    return granules_of(reinterpret_cast<std::uint64_t>(host) & (kPageSize - 1), size);
  }
  static std::uint64_t granules_of(std::uint64_t offset, std::uint64_t size);

  /// Number that grows when code of the page was overwritten. Blocks keep the one they were decoded
  /// at.
  std::uint32_t version(std::size_t page) const {
    return versions()[page].load(std::memory_order_acquire);
  }

  /// A store to code was made, and the translated code changed with it, of the only vCPU there is:
  /// all else decoded from the page is out of date.
  void note_translated_change(std::size_t page) { versions()[page].fetch_add(1); }

  /// Announces that `size` bytes at `host` (in one page) are about to be decoded, by the vCPU
  /// `self`. The first time in a page this takes all vCPUs' unseen way to write to it, and waits
  /// for them.
  void watch(std::byte const* host, std::uint64_t size, CodeUser* self = nullptr);

  /// Whether the page has code, or had some a few stores ago.
  bool watches(std::size_t page) const {
    return guards()[page].load(std::memory_order_relaxed) != 0;
  }

  /// vCPU `index` runs translated code from now on, until nullptr is put.
  void set_user(unsigned index, CodeUser* user);

  /// How often code was overwritten so far.
  std::uint64_t changes() const { return list_->changes.load(std::memory_order_acquire); }
  struct Change {
    std::size_t page;
    std::uint64_t granules;
  };
  /// Appends the changes from number `seen` on. False: too many to remember, all may have changed.
  bool changed_since(std::uint64_t seen, std::vector<Change>& changes) const;

  void wrote(GuestAddress address, std::uint64_t size) override;

 private:
  CodePages(GuestMemory const& memory, os::MappedRegion guards, os::MappedRegion granules,
            os::MappedRegion versions);

  /// Who uses code, and the last changes. On the heap, so that CodePages can move.
  struct List {
    std::mutex mutex;  // For all but reading `changes`; and to change guards from or to 0.
    std::array<CodeUser*, kMaxVcpus> users{};
    std::array<Change, 256> last{};  // By number of the change.
    std::atomic<std::uint64_t> changes = 0;
  };

  bool changed(std::byte const* host, std::uint64_t size);
  void note_change(Change change);
  void take_writes(std::byte const* host, CodeUser* self);
  void stored_beside(std::size_t page);
  std::atomic<std::uint8_t>* guards() const {
    return reinterpret_cast<std::atomic<std::uint8_t>*>(guards_.data());
  }
  std::atomic<std::uint64_t>* granules() const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(granules_.data());
  }
  std::atomic<std::uint32_t>* versions() const {
    return reinterpret_cast<std::atomic<std::uint32_t>*>(versions_.data());
  }

  GuestMemory const* memory_;
  std::byte const* base_;
  os::MappedRegion guards_;    // A byte a page: 0 if nobody looks at stores; else how many stores
                               // there were since the last piece of code went, and one.
  os::MappedRegion granules_;  // A 64-bit word a page, a bit for each 64 bytes.
  os::MappedRegion versions_;  // A 32-bit counter a page.
  std::unique_ptr<List> list_;
};

}  // namespace bh::vmm::soft
