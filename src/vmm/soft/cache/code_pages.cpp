#include "vmm/soft/cache/code_pages.h"

#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "vmm/soft/mmu/tlb.h"

namespace bh::vmm::soft {

namespace {

constexpr unsigned kGranuleShift = 6;

Result<os::MappedRegion> zeroed(std::size_t size) {
  return os::MappedRegion::map(size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
}

}  // namespace

std::uint64_t CodePages::granules_of(std::uint64_t offset, std::uint64_t size) {
  unsigned const first = static_cast<unsigned>(offset >> kGranuleShift);
  unsigned const last = static_cast<unsigned>((offset + size - 1) >> kGranuleShift);
  std::uint64_t const up_to_last = last >= 63 ? ~std::uint64_t{0} : (std::uint64_t{2} << last) - 1;
  return up_to_last & ~((std::uint64_t{1} << first) - 1);
}

Result<CodePages> CodePages::create(GuestMemory const& memory) {
  std::uint64_t const pages = memory.size() >> kPageShift;
  auto guards = BH_TRY(zeroed(pages));
  auto granules = BH_TRY(zeroed(pages * sizeof(std::uint64_t)));
  auto versions = BH_TRY(zeroed(pages * sizeof(std::uint32_t)));
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) {
    return fail_errno("membarrier", errno);
  }
  return CodePages(memory, std::move(guards), std::move(granules), std::move(versions));
}

CodePages::CodePages(GuestMemory const& memory, os::MappedRegion guards, os::MappedRegion granules,
                     os::MappedRegion versions)
    : memory_(&memory),
      base_(memory.regions().front().host),
      guards_(std::move(guards)),
      granules_(std::move(granules)),
      versions_(std::move(versions)),
      list_(std::make_unique<List>()) {}

void CodePages::watch(std::byte const* host, std::uint64_t size, CodeUser* self) {
  std::uint64_t const mask = granules_of(host, size);
  auto& granules = this->granules()[page_of(host)];
  if ((granules.load(std::memory_order_relaxed) & mask) == mask) return;
  // Who stores to a page that has code already looks twice, see changed().
  if (granules.fetch_or(mask) != 0) return;
  std::scoped_lock const lock(list_->mutex);
  if (guards()[page_of(host)].exchange(1) != 0) return;
  // The other half of the bargain in note_write(): every vCPU's earlier stores become visible.
  ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  take_writes(host, self);
}

void CodePages::set_user(unsigned index, CodeUser* user) {
  std::scoped_lock const lock(list_->mutex);
  list_->users[index] = user;
}

/// The lock is held, while waiting, too: who is inside translated code needs none to leave it.
void CodePages::take_writes(std::byte const* host, CodeUser* self) {
  auto const page = reinterpret_cast<std::uint64_t>(host) & ~(kPageSize - 1);
  bool others = false;
  for (CodeUser* const user : list_->users) {
    if (user == nullptr) continue;
    if (user == self) {
      user->mmu->forget_writes_to(reinterpret_cast<std::byte const*>(page));
      continue;
    }
    user->forget_writes.store(true);
    user->attention->store(1);
    others = true;
  }
  if (!others) return;
  // Either a vCPU sees the wish before it enters translated code, or we see it inside.
  ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  for (CodeUser* const user : list_->users) {
    if (user == nullptr || user == self) continue;
    while (user->inside.load() && user->forget_writes.load()) std::this_thread::yield();
  }
}

void CodePages::note_change(Change change) {
  std::scoped_lock const lock(list_->mutex);
  auto const number = list_->changes.load(std::memory_order_relaxed);
  list_->last[number % list_->last.size()] = change;
  list_->changes.store(number + 1, std::memory_order_release);
  for (CodeUser* const user : list_->users) {
    if (user != nullptr) user->attention->store(1);
  }
}

bool CodePages::changed_since(std::uint64_t seen, std::vector<Change>& changes) const {
  std::scoped_lock const lock(list_->mutex);
  auto const now = list_->changes.load(std::memory_order_relaxed);
  if (now - seen > list_->last.size()) return false;
  for (; seen < now; ++seen) changes.push_back(list_->last[seen % list_->last.size()]);
  return true;
}

bool CodePages::changed(std::byte const* host, std::uint64_t size) {
  std::size_t const page = page_of(host);
  std::uint64_t const mask = granules_of(host, size);
  // The store comes before this look at what is watched, and watch() before its look at the bytes:
  // a read-modify-write is a whole barrier on x86.
  auto const watched = granules()[page].fetch_or(0);
  if ((watched & mask) == 0) {
    if (watched == 0) stored_beside(page);
    return false;
  }
  // In this order: a decoder that watches in between sees the new bytes, and at worst a version
  // that makes it decode once more.
  granules()[page].fetch_and(~mask);
  versions()[page].fetch_add(1);
  note_change({page, mask});
  return true;
}

/// A store to a page whose code is gone. Compilers write more of it soon; others' data is in the
/// way of nobody after some stores.
void CodePages::stored_beside(std::size_t page) {
  constexpr std::uint8_t kPatience = 128;
  auto& guard = guards()[page];
  auto stores = guard.load(std::memory_order_relaxed);
  if (stores == 0) return;
  if (stores < kPatience) {
    guard.compare_exchange_strong(stores, static_cast<std::uint8_t>(stores + 1));
    return;
  }
  std::scoped_lock const lock(list_->mutex);
  guard.store(granules()[page].load() == 0 ? 0 : 1);
}

void CodePages::wrote(GuestAddress address, std::uint64_t size) {
  while (size > 0) {
    std::uint64_t const in_page = kPageSize - (address.value & (kPageSize - 1));
    std::uint64_t const part = std::min(size, in_page);
    if (std::byte const* const host = memory_->host_address(address, part)) note_write(host, part);
    address = address + part;
    size -= part;
  }
}

}  // namespace bh::vmm::soft
