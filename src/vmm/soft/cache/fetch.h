#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/soft/cache/block.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Bytes of one page that decoding may read.
struct Fetched {
  std::byte const* host = nullptr;
  std::size_t page = Block::kNoPage;
  std::uint32_t version = 0;
};

/// Translates `linear` for execution. Fault or Exit: as translate(), and for code outside RAM.
Flow fetch(Cpu& cpu, std::uint64_t linear, Fetched& out);

/// The bytes, from now on watched for stores. In one page.
std::span<std::uint8_t const> watched_bytes(Cpu& cpu, std::byte const* host, std::size_t size);

inline std::size_t left_in_page(std::byte const* host) {
  return kPageSize - (reinterpret_cast<std::uint64_t>(host) & (kPageSize - 1));
}

}  // namespace bh::vmm::soft
