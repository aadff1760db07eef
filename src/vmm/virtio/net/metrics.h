#pragma once

#include "vmm/virtio/metrics.h"

namespace bh::vmm::virtio {

/// With Firecracker's names.
struct NetMetrics {
  Counter rx_packets_count;
  Counter rx_bytes_count;
  Counter tx_packets_count;
  Counter tx_bytes_count;
  Counter rx_rate_limiter_throttled;
  Counter tx_rate_limiter_throttled;
  Counter tx_malformed_frames;
  Counter tx_fails;
  Counter no_rx_avail_buffer;
};

}  // namespace bh::vmm::virtio
