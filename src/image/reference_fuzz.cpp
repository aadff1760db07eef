#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/reference.h"

// A name that is read is the same name when its whole text is read, and so is its short form.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using bh::image::Reference;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const reference = Reference::parse(text);
  if (!reference) return 0;
  auto const again = Reference::parse(reference->text());
  auto const familiar = Reference::parse(reference->familiar());
  if (!again || *again != *reference || !familiar || *familiar != *reference) std::abort();
  return 0;
}
