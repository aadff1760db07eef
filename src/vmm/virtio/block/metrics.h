#pragma once

#include "vmm/virtio/metrics.h"

namespace bh::vmm::virtio {

/// With Firecracker's names, where it has them.
struct BlockMetrics {
  Counter read_count;
  Counter write_count;
  Counter read_bytes;
  Counter write_bytes;
  Counter flush_count;
  Counter discard_count;
  Counter execute_fails;  // The host's file refused; the guest got an error.
  Counter invalid_reqs;   // The guest asked for what cannot be.
  Counter queue_event_count;
  Counter rate_limiter_event_count;
  Counter rate_limiter_throttled_events;
  Counter update_count;
};

}  // namespace bh::vmm::virtio
