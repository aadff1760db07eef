#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bh::vmm::chip {

/// The first 8 bytes at most, as the guest's CPU reads an integer.
inline std::uint64_t load_little_endian(std::span<std::byte const> data) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < data.size() && i < 8; ++i) {
    value |= std::to_integer<std::uint64_t>(data[i]) << (8 * i);
  }
  return value;
}

/// Fills all of `data`; what is beyond 8 bytes becomes 0.
inline void store_little_endian(std::span<std::byte> data, std::uint64_t value) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = i < 8 ? static_cast<std::byte>(value >> (8 * i)) : std::byte{0};
  }
}

}  // namespace bh::vmm::chip
