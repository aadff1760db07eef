#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/soft/decode/op.h"

namespace bh::vmm::soft {

/// A run of decoded instructions that starts at one guest-physical address. Ends at an instruction
/// that leaves it, at the end of the page, or after kLongest instructions.
struct Block {
  static constexpr std::size_t kLongest = 64;
  static constexpr std::size_t kNoPage = ~std::size_t{0};

  std::uint64_t key = 0;  // BlockCache's.
  Op const* first = nullptr;
  std::uint32_t count = 0;
  /// CodePages numbers of the page it was decoded from, and of the second if its only instruction
  /// reaches into one; with the versions they had.
  std::uint32_t version = 0;
  std::uint32_t second_version = 0;
  std::size_t page = kNoPage;
  std::size_t second_page = kNoPage;

  std::span<Op const> ops() const { return {first, count}; }
};

}  // namespace bh::vmm::soft
