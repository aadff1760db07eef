#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

inline std::vector<std::byte> bytes_at(GuestMemory const& memory, std::uint64_t address,
                                       std::size_t size) {
  std::vector<std::byte> bytes(size);
  EXPECT_TRUE(memory.read({address}, bytes));
  return bytes;
}

template <typename T>
T value_at(GuestMemory const& memory, std::uint64_t address) {
  auto const value = memory.read_object<T>({address});
  EXPECT_TRUE(value);
  return value.value_or(T{});
}

/// As ACPI and MP tables are checked.
inline unsigned byte_sum(std::span<std::byte const> bytes) {
  unsigned sum = 0;
  for (std::byte const byte : bytes) sum += std::to_integer<unsigned>(byte);
  return sum & 0xff;
}

}  // namespace bh::vmm::boot
