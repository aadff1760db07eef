#pragma once

#include "vmm/virtio/metrics.h"

namespace bh::vmm::virtio {

/// With Firecracker's names.
struct BalloonMetrics {
  Counter inflate_count;  // Pages.
  Counter deflate_count;  // Pages.
  Counter stats_updates_count;
  Counter free_page_report_count;  // Ranges.
  Counter free_page_report_freed;  // Bytes.
  Counter free_page_hint_count;    // Ranges.
  Counter free_page_hint_freed;    // Bytes.
  Counter event_fails;
};

}  // namespace bh::vmm::virtio
