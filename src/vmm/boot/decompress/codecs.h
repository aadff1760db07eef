#pragma once

#include <cstddef>
#include <span>

#include "base/error.h"

namespace bh::vmm::boot {

/// One decoder each, for decompress() only. All write at most out.size() bytes and return how many
/// they wrote; Errc::Corrupt says why the stream is not whole.
Result<std::size_t> decode_gzip(std::span<std::byte const> payload, std::span<std::byte> out);
Result<std::size_t> decode_xz(std::span<std::byte const> payload, std::span<std::byte> out);
Result<std::size_t> decode_zstd(std::span<std::byte const> payload, std::span<std::byte> out);
Result<std::size_t> decode_lz4(std::span<std::byte const> payload, std::span<std::byte> out);

}  // namespace bh::vmm::boot
