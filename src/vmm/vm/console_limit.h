#pragma once

#include <chrono>
#include <cstdint>

#include "vmm/api/device_config.h"
#include "vmm/virtio/metrics.h"
#include "vmm/virtio/rate_limiter.h"

namespace bh::vmm {

/// How much a guest may print in a time; the rest is lost, and counted.
class ConsoleLimit {
 public:
  explicit ConsoleLimit(TokenBucketConfig const& config) : bucket_(config, now()) {}

  /// Whether one more byte may pass. One thread at a time.
  bool take() {
    if (bucket_.reduce(1, now()) != virtio::TokenBucket::Reduction::TooFew) return true;
    dropped_.add();
    return false;
  }
  /// Any thread.
  std::uint64_t dropped() const { return dropped_.value(); }

 private:
  static virtio::Nanoseconds now() { return std::chrono::steady_clock::now().time_since_epoch(); }

  virtio::TokenBucket bucket_;
  virtio::Counter dropped_;
};

}  // namespace bh::vmm
