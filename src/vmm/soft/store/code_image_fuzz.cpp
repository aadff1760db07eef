#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "vmm/soft/store/checksum.h"
#include "vmm/soft/store/code_image.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm::soft;
  constexpr std::size_t kChecked = 8;
  std::vector<std::uint8_t> bytes(data, data + size);
  if (size >= kChecked) {
    // With a checksum that fits, or nothing else would be looked at.
    auto const length = static_cast<std::uint32_t>(size);
    auto const sum = checksum(std::span(bytes).subspan(kChecked));
    std::memcpy(bytes.data(), &length, sizeof length);
    std::memcpy(bytes.data() + sizeof length, &sum, sizeof sum);
  }
  (void)packed_source(bytes);
  auto const image = unpacked(bytes);
  // What the translator relies on.
  if (!image) return 0;
  for (auto const at : image->gate_jumps) {
    if (at + 4u > image->code.size()) std::abort();
  }
  for (auto const& site : image->sites) {
    if (site.go_on > image->code.size()) std::abort();
  }
  return 0;
}
