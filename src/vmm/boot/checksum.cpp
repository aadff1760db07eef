#include "vmm/boot/checksum.h"

namespace bh::vmm::boot {

std::uint8_t checksum(std::span<std::byte const> bytes) {
  unsigned sum = 0;
  for (std::byte const byte : bytes) sum += std::to_integer<unsigned>(byte);
  return static_cast<std::uint8_t>(0u - sum);
}

}  // namespace bh::vmm::boot
