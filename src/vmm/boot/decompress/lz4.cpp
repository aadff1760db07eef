#include <lz4.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "vmm/boot/decompress/codecs.h"

namespace bh::vmm::boot {

namespace {

// lz4_Frame_format.md, "Legacy frame": the magic, then blocks of a 32-bit size and their data, each
// making at most 8 MiB. Nothing marks the end.
constexpr std::uint32_t kMagic = 0x184c2102;
constexpr std::size_t kBlockSize = 8u << 20;

std::uint32_t take_number(std::span<std::byte const>& input) {
  std::uint32_t number = 0;
  std::memcpy(&number, input.data(), sizeof number);
  input = input.subspan(sizeof number);
  return number;
}

}  // namespace

Result<std::size_t> decode_lz4(std::span<std::byte const> payload, std::span<std::byte> out) {
  std::size_t written = 0;
  // Once `out` is full the rest is padding, as far as can be told.
  while (payload.size() >= sizeof(std::uint32_t) && written < out.size()) {
    std::uint32_t const size = take_number(payload);
    if (size == kMagic) continue;  // Files put together begin with a magic each.
    if (size == 0) break;
    if (size > payload.size()) return fail(Errc::Corrupt, "a block ends beyond the payload");
    std::size_t const room = std::min(kBlockSize, out.size() - written);
    int const made = LZ4_decompress_safe(reinterpret_cast<char const*>(payload.data()),
                                         reinterpret_cast<char*>(out.data() + written),
                                         static_cast<int>(size), static_cast<int>(room));
    if (made < 0) return fail(Errc::Corrupt, "a block is damaged");
    written += static_cast<std::size_t>(made);
    payload = payload.subspan(size);
  }
  return written;
}

}  // namespace bh::vmm::boot
