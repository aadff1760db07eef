// Headers of a tar, and the extended ones in front of them.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "init/tar_header.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::init;
  auto const* const text = reinterpret_cast<char const*>(data);
  static TarEntry entry;
  static TarEntry again;
  entry = {};
  (void)parse_extended({text, size}, entry);
  if (size < kTarBlock || !parse_tar_header(text, entry)) return 0;
  (void)parse_extended({text + kTarBlock, size - kTarBlock}, entry);
  static std::vector<char> extended(kExtendedBytes);
  static std::vector<char> block(kTarBlock);
  auto const length = format_extended(entry, extended.data());
  format_tar_header(entry, block.data());
  // What was understood is said so that it is understood.
  if (!parse_tar_header(block.data(), again) || !parse_extended({extended.data(), length}, again)) {
    std::abort();
  }
  if (text_of(again.path) != text_of(entry.path) || again.size != entry.size) std::abort();
  return 0;
}
