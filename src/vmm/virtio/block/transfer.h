#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "vmm/virtio/chain.h"

namespace bh::vmm::virtio {

enum class Direction : std::uint8_t { Read, Write };

/// Moves all bytes between a file at `offset` and the segments, or fails. Bytes beyond the end of
/// the file read as zeros.
Result<> transfer(int file, Direction direction, std::uint64_t offset,
                  std::span<Segment const> segments);

Result<> write_zero_bytes(int file, std::uint64_t offset, std::uint64_t size);

}  // namespace bh::vmm::virtio
