#pragma once

#include <cstddef>
#include <span>

#include "base/error.h"

namespace bh::vmm::boot {

/// Unpacks a kernel payload, of a format recognised by its first bytes (gzip, xz, zstd, LZ4
/// legacy), to exactly fill `out`. Bytes after the compressed stream are ignored. A damaged stream,
/// and one that makes more or less than `out.size()` bytes, is Errc::Corrupt; a format that is not
/// supported is Errc::Unsupported and named.
Result<> decompress(std::span<std::byte const> payload, std::span<std::byte> out);

}  // namespace bh::vmm::boot
