#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "image/registry/challenge.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  for (auto const& challenge : bh::image::registry::parse_challenges(text)) {
    if (challenge.scheme.empty()) std::abort();
    for (auto const& [name, value] : challenge.parameters) {
      if (name.empty() || value.size() > size) std::abort();
    }
  }
  return 0;
}
