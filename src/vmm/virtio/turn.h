#pragma once

#include <chrono>

#include "vmm/virtio/spec.h"

namespace bh::vmm::virtio {

/// What one queue may take before others of the same worker come. A driver can make chains
/// available without end, also by rings that overlap, and can make single ones expensive.
class Turn {
 public:
  /// To be asked after each chain.
  bool over() { return ++chains_ == kMostChains || Clock::now() >= end_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr unsigned kMostChains = 4 * kQueueSize;
  static constexpr std::chrono::milliseconds kMostTime{10};

  unsigned chains_ = 0;
  Clock::time_point end_ = Clock::now() + kMostTime;
};

}  // namespace bh::vmm::virtio
