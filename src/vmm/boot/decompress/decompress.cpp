#include "vmm/boot/decompress/decompress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "vmm/boot/decompress/codecs.h"

namespace bh::vmm::boot {

namespace {

using namespace std::string_view_literals;
using Decoder = Result<std::size_t> (*)(std::span<std::byte const>, std::span<std::byte>);

struct Format {
  std::string_view magic;
  std::string_view name;
  Decoder decode;  // nullptr: known, not supported.
};

// The magic bytes that the kernel's lib/decompress.c goes by, and its LZ4 legacy magic.
constexpr std::array kFormats{
    Format{"\x1f\x8b"sv, "gzip", decode_gzip},
    Format{"\xfd"
           "7zXZ\0"sv,
           "xz", decode_xz},
    Format{"\x28\xb5\x2f\xfd"sv, "zstd", decode_zstd},
    Format{"\x02\x21\x4c\x18"sv, "lz4", decode_lz4},
    Format{"BZh"sv, "bzip2", nullptr},
    Format{"\x5d\0\0"sv, "lzma", nullptr},
    Format{"\x89LZO\0"sv, "lzo", nullptr},
};

bool begins_with(std::span<std::byte const> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() &&
         std::ranges::equal(bytes.first(magic.size()), std::as_bytes(std::span(magic)));
}

}  // namespace

Result<> decompress(std::span<std::byte const> payload, std::span<std::byte> out) {
  for (auto const& format : kFormats) {
    if (!begins_with(payload, format.magic)) continue;
    if (format.decode == nullptr) {
      return fail(
          Errc::Unsupported,
          fmt::format("{} compression is not supported (gzip, xz, zstd and lz4 are)", format.name));
    }
    auto const written = format.decode(payload, out);
    if (!written) return std::unexpected(Error(written.error()).while_doing(format.name));
    if (*written == out.size()) return {};
    return fail(Errc::Corrupt, fmt::format("{}: {} bytes came out where the image promises {}",
                                           format.name, *written, out.size()));
  }
  return fail(Errc::Corrupt, "the payload is in no known compression format");
}

}  // namespace bh::vmm::boot
