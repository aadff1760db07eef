#pragma once

#include <cstdint>

#include "vmm/chip/rtc.h"

namespace bh::vmm::chip::testing {

/// The time of day a test says. One thread.
class FakeWallClock final : public WallClock {
 public:
  std::uint64_t unix_nanoseconds() const override { return now; }

  std::uint64_t now = 0;
};

}  // namespace bh::vmm::chip::testing
