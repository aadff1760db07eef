#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/config.h"
#include "image/manifest.h"

// What is accepted has layers, and is accepted again as we write it.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::image;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  if (auto const document = parse_document(text)) {
    if (auto const* const manifest = std::get_if<Manifest>(&*document)) {
      if (manifest->layers.empty() || !parse_manifest(manifest_text(*manifest))) std::abort();
    } else if (!parse_index(index_text(std::get<Index>(*document)))) {
      std::abort();
    }
  }
  if (auto const config = ImageConfig::parse(text)) {
    auto const again = ImageConfig::parse(config->text());
    if (config->diff_ids.empty() || !again || again->text() != config->text()) std::abort();
  }
  return 0;
}
