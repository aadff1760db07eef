#pragma once

#include "vmm/virtio/metrics.h"

namespace bh::vmm::virtio {

/// With Firecracker's names.
struct RngMetrics {
  Counter entropy_event_count;
  Counter entropy_bytes;
  Counter entropy_rate_limiter_throttled;
  Counter rate_limiter_event_count;
};

}  // namespace bh::vmm::virtio
