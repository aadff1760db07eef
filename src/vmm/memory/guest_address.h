#pragma once

#include <compare>
#include <cstdint>

namespace bh::vmm {

/// A guest-physical address (gpa). Never a host pointer, never a guest-virtual address.
struct GuestAddress {
  std::uint64_t value = 0;

  friend constexpr auto operator<=>(GuestAddress, GuestAddress) = default;
  friend constexpr GuestAddress operator+(GuestAddress address, std::uint64_t bytes) {
    return {address.value + bytes};
  }
};

inline constexpr std::uint64_t kPageSize = 4096;
inline constexpr unsigned kPageShift = 12;

}  // namespace bh::vmm
