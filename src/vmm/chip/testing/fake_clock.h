#pragma once

#include <atomic>
#include <cstdint>

#include "vmm/chip/clock.h"

namespace bh::vmm::chip::testing {

/// Time that stands still until a test moves it; the TSC counts 2 a nanosecond. Any thread.
class FakeClock final : public Clock {
 public:
  static constexpr std::uint64_t kTscKhz = 2'000'000;

  std::uint64_t now() const override { return now_.load(); }
  std::uint64_t tsc() const override { return now_.load() * 2; }
  std::uint64_t tsc_khz() const override { return kTscKhz; }

  void pass(std::uint64_t nanoseconds) { now_.fetch_add(nanoseconds); }
  void move_to(std::uint64_t nanoseconds) { now_.store(nanoseconds); }

 private:
  std::atomic<std::uint64_t> now_ = 1'000'000'000;
};

}  // namespace bh::vmm::chip::testing
