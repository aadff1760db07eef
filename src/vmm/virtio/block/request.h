#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "vmm/memory/guest_memory.h"
#include "vmm/virtio/block/image.h"
#include "vmm/virtio/block/metrics.h"
#include "vmm/virtio/chain.h"

namespace bh::vmm::virtio {

/// What a request may do. The image and the metrics belong to the device.
struct BlockTarget {
  GuestMemory& memory;
  BlockImage& image;
  BlockMetrics& metrics;
  bool read_only = false;
};

/// Bytes beside header and status, for the rate limiter. Told by the sizes alone, so that no field
/// is read twice.
std::uint64_t bytes_moved(Chain const& chain);

/// A read, a write or a flush that was found good and is still to be done.
struct DeferredBlock {
  std::uint32_t type = 0;    // kBlockIn, kBlockOut or kBlockFlushRequest.
  std::uint64_t offset = 0;  // Bytes.
  std::uint32_t size = 0;
  std::vector<Segment> parts;
  std::vector<Segment> status;  // One byte.
};

/// As execute() for all requests but those that can be deferred, which are only checked.
std::variant<std::uint32_t, DeferredBlock> begin(Chain const& chain, BlockTarget target);
/// Writes the status of what was deferred; returns the bytes written.
std::uint32_t finish(DeferredBlock const& request, bool ok, BlockTarget target);

/// Executes one request (VIRTIO 1.2, 5.2.6) and writes its status; returns the bytes written. A
/// chain without room for a status is only counted.
std::uint32_t execute(Chain const& chain, BlockTarget target);

}  // namespace bh::vmm::virtio
