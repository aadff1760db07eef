#pragma once

#include <chrono>
#include <cstdint>

#include "machine/probe.h"

namespace bh::machine {

/// What answers of a probe mean together.
class ProbeJudge {
 public:
  enum class Verdict : std::uint8_t { Starting, Good, Bad };

  explicit ProbeJudge(Probe const& probe)
      : retries_(probe.retries), start_period_(probe.start_period) {}

  /// The verdict after one more answer, so long after the start.
  Verdict take(bool good, std::chrono::milliseconds since_start) {
    if (good) {
      failures_ = 0;
      verdict_ = Verdict::Good;
    } else if (verdict_ != Verdict::Starting || since_start >= start_period_) {
      if (++failures_ >= retries_) verdict_ = Verdict::Bad;
    }
    return verdict_;
  }
  Verdict verdict() const { return verdict_; }

 private:
  std::uint64_t retries_;
  std::chrono::milliseconds start_period_;
  std::uint64_t failures_ = 0;
  Verdict verdict_ = Verdict::Starting;
};

}  // namespace bh::machine
