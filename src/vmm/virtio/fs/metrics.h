#pragma once

#include "vmm/virtio/metrics.h"

namespace bh::vmm::virtio {

/// Ours.
struct FsMetrics {
  Counter requests;
  Counter errors;        // Answered with an errno, which is daily life: a file is not there.
  Counter invalid_reqs;  // No whole header, or no room for an answer.
  Counter read_bytes;
  Counter write_bytes;
};

}  // namespace bh::vmm::virtio
