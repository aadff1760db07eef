#pragma once

#include <cstdint>

#include "vmm/chip/clock.h"

namespace bh::vmm::chip {

/// The host's monotonic clock and its CPU's TSC.
class HostClock final : public Clock {
 public:
  /// Asks the CPU for its TSC frequency; where it does not say, measures for some 10 ms.
  HostClock();
  /// With a frequency already known. Not 0.
  explicit HostClock(std::uint64_t tsc_khz) : tsc_khz_(tsc_khz) {}

  std::uint64_t now() const override;
  std::uint64_t tsc() const override;
  std::uint64_t tsc_khz() const override { return tsc_khz_; }

 private:
  std::uint64_t tsc_khz_;
};

}  // namespace bh::vmm::chip
