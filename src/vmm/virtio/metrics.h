#pragma once

#include <atomic>
#include <cstdint>

namespace bh::vmm::virtio {

/// A number that only grows, counted by one thread and read by others.
class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

}  // namespace bh::vmm::virtio
