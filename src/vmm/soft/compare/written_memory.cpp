#include "vmm/soft/compare/written_memory.h"

#include <algorithm>
#include <cstring>

namespace bh::vmm::soft {

void WrittenMemory::before(std::uint64_t linear, std::byte* host, std::size_t size) {
  auto& write = writes_.emplace_back();
  write.linear = linear;
  write.host = host;
  write.size = size;
  std::memcpy(write.old.data(), host, size);
}

void WrittenMemory::note_result() {
  for (auto& write : writes_) std::memcpy(write.made.data(), write.host, write.size);
}

void WrittenMemory::undo() const {
  // The first of those that overlap has the oldest bytes.
  for (auto write = writes_.rbegin(); write != writes_.rend(); ++write) {
    std::memcpy(write->host, write->old.data(), write->size);
  }
}

std::vector<WrittenMemory::Change> WrittenMemory::changes() const {
  std::vector<Change> changes;
  for (auto const& write : writes_) {
    auto const [noted, found] = std::mismatch(
        write.made.begin(), write.made.begin() + static_cast<long>(write.size), write.host);
    auto const at = static_cast<std::size_t>(noted - write.made.begin());
    if (at == write.size) continue;
    changes.push_back(
        {write.linear + at, static_cast<std::uint8_t>(*noted), static_cast<std::uint8_t>(*found)});
  }
  return changes;
}

}  // namespace bh::vmm::soft
