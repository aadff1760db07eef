#pragma once

#include <cstdint>
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

/// Executes one request (VIRTIO 1.2, 5.2.6) and writes its status; returns the bytes written. A
/// chain without room for a status is only counted.
std::uint32_t execute(Chain const& chain, BlockTarget target);

}  // namespace bh::vmm::virtio
