#pragma once

#include "vmm/virtio/metrics.h"

namespace bh::vmm::virtio {

/// With Firecracker's names.
struct VsockMetrics {
  Counter rx_packets_count;
  Counter tx_packets_count;
  Counter rx_bytes_count;
  Counter tx_bytes_count;
  Counter conns_added;
  Counter conns_removed;
  Counter conns_killed;  // They took too long, or broke the rules.
  Counter tx_invalid;    // Packets that made no sense.
};

}  // namespace bh::vmm::virtio
