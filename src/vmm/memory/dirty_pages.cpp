#include "vmm/memory/dirty_pages.h"

#include <algorithm>
#include <bit>

namespace bh::vmm {

namespace {

constexpr std::uint64_t kBitsPerWord = 64;

std::size_t words_for(std::uint64_t bytes) {
  return static_cast<std::size_t>((bytes / kPageSize + kBitsPerWord - 1) / kBitsPerWord);
}

/// Bits first to last of a word, both included.
std::uint64_t bit_mask(unsigned first, unsigned last) {
  return (~std::uint64_t{0} << first) & (~std::uint64_t{0} >> (kBitsPerWord - 1 - last));
}

/// Appends a page, to the last run when it continues that.
void append(std::vector<PageRun>& runs, GuestAddress page) {
  if (!runs.empty() && runs.back().start + runs.back().size == page) {
    runs.back().size += kPageSize;
  } else {
    runs.push_back({page, kPageSize});
  }
}

}  // namespace

DirtyPages::DirtyPages(GuestMemory const& memory, WriteHook* next)
    : memory_(memory), next_(next), words_(words_for(memory.size())) {}

void DirtyPages::wrote(GuestAddress address, std::uint64_t size) {
  for (auto const& region : memory_.regions()) {
    if (size == 0 || address < region.start || address >= region.end()) continue;
    std::uint64_t const offset = address.value - region.start.value;
    std::uint64_t const last = offset + std::min(size, region.size - offset) - 1;
    mark((region.file_offset + offset) >> kPageShift, (region.file_offset + last) >> kPageShift);
  }
  if (next_ != nullptr) next_->wrote(address, size);
}

void DirtyPages::mark(std::uint64_t first_page, std::uint64_t last_page) {
  for (std::uint64_t word = first_page / kBitsPerWord; word <= last_page / kBitsPerWord; ++word) {
    std::uint64_t const start = word * kBitsPerWord;
    auto const first = static_cast<unsigned>(std::max(first_page, start) - start);
    auto const last = static_cast<unsigned>(std::min(last_page, start + kBitsPerWord - 1) - start);
    std::uint64_t const bits = bit_mask(first, last);
    // A hot page is marked already: reading first keeps its cache line shared between writers.
    if ((words_[word].load(std::memory_order_relaxed) & bits) != bits) words_[word].fetch_or(bits);
  }
}

std::vector<PageRun> DirtyPages::collect() {
  std::vector<PageRun> runs;
  for (auto const& region : memory_.regions()) {
    std::uint64_t const first = region.file_offset >> kPageShift;
    std::uint64_t const end = first + (region.size >> kPageShift);
    for (std::uint64_t word = first / kBitsPerWord; word * kBitsPerWord < end; ++word) {
      std::uint64_t const start = word * kBitsPerWord;
      // The word in which two regions meet is taken in two parts.
      auto const low = static_cast<unsigned>(std::max(first, start) - start);
      auto const high = static_cast<unsigned>(std::min(end - 1, start + kBitsPerWord - 1) - start);
      std::uint64_t const mine = bit_mask(low, high);
      std::uint64_t bits = words_[word].fetch_and(~mine) & mine;
      for (; bits != 0; bits &= bits - 1) {
        std::uint64_t const page = start + static_cast<unsigned>(std::countr_zero(bits));
        append(runs, region.start + ((page - first) << kPageShift));
      }
    }
  }
  return runs;
}

}  // namespace bh::vmm
