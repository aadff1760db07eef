#include "vmm/boot/text.h"

#include <fmt/format.h>

namespace bh::vmm::boot {

std::string hex(std::uint64_t value) {
  return fmt::format("{:#x}", value);
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::uint64_t kKib = 1024;
  constexpr std::uint64_t kMib = kKib * kKib;
  if (bytes >= kMib) return fmt::format("{} MiB", bytes / kMib + (bytes % kMib != 0 ? 1 : 0));
  if (bytes >= kKib) return fmt::format("{} KiB", (bytes + kKib - 1) / kKib);
  return fmt::format("{} bytes", bytes);
}

}  // namespace bh::vmm::boot
