#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace bh::vmm::boot {

using Packed = std::vector<std::byte>;

/// Compress as the kernel's build does, without the size that it appends.
Packed pack_gzip(std::span<std::byte const> data);
enum class XzCheck { None, Crc32 };
Packed pack_xz(std::span<std::byte const> data, XzCheck check);  // With the x86 branch filter.
Packed pack_zstd(std::span<std::byte const> data);
Packed pack_lz4(std::span<std::byte const> data);

}  // namespace bh::vmm::boot
