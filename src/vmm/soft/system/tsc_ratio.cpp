#include "vmm/soft/system/tsc_ratio.h"

#include <limits>

namespace bh::vmm::soft {

TscRatio nearest_tsc_ratio(std::uint64_t tsc_khz, std::uint32_t crystal_khz) {
  std::uint64_t const largest = std::numeric_limits<std::uint32_t>::max() / crystal_khz;
  TscRatio best;
  std::uint64_t best_error = tsc_khz;  // In kHz, times best.denominator.
  for (std::uint64_t denominator = 1; denominator <= largest; ++denominator) {
    std::uint64_t const wanted = denominator * tsc_khz;
    std::uint64_t const numerator = (wanted + crystal_khz / 2) / crystal_khz;
    if (numerator > largest) break;
    std::uint64_t const got = numerator * crystal_khz;
    std::uint64_t const error = got > wanted ? got - wanted : wanted - got;
    if (error * best.denominator >= best_error * denominator) continue;
    best = {.numerator = static_cast<std::uint32_t>(numerator),
            .denominator = static_cast<std::uint32_t>(denominator)};
    best_error = error;
  }
  return best;
}

}  // namespace bh::vmm::soft
