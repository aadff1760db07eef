#include "vmm/soft/store/checksum.h"

#include <nmmintrin.h>

#include <cstring>

namespace bh::vmm::soft {

// The soft engine needs an x86-64-v2 CPU anyway.
[[gnu::target("sse4.2")]] std::uint32_t checksum(std::span<std::uint8_t const> bytes) {
  std::uint64_t sum = ~std::uint32_t{0};
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    sum = _mm_crc32_u64(sum, value);
  }
  auto rest = static_cast<std::uint32_t>(sum);
  for (auto const byte : bytes) rest = _mm_crc32_u8(rest, byte);
  return ~rest;
}

}  // namespace bh::vmm::soft
