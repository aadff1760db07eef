#include <cstdint>
#include <cstdlib>

#include "vmm/boot/bzimage.h"

// Any bytes, through the header and each decompressor, are unpacked to the promised size or
// refused.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm::boot;
  MemorySource const source(std::as_bytes(std::span(data, size)));
  auto const image = open_bzimage(source);
  if (!image && image.error().message.empty()) std::abort();
  if (image && (image->kernel.size() == 0 || !is_bzimage(source))) std::abort();
  return 0;
}
