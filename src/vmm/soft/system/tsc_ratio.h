#pragma once

#include <cstdint>

namespace bh::vmm::soft {

/// The TSC's frequency over that of the crystal, as CPUID leaf 15H tells it.
struct TscRatio {
  std::uint32_t numerator = 0;
  std::uint32_t denominator = 1;
};

/// The nearest fraction that guests can work with: Linux multiplies the crystal's kHz by the
/// numerator in 32 bits, so the numerator is small enough for that. With a crystal of 1 GHz that is
/// mostly good to some ppm, at worst (just beside a whole GHz) to 120. Neither frequency is 0.
TscRatio nearest_tsc_ratio(std::uint64_t tsc_khz, std::uint32_t crystal_khz);

}  // namespace bh::vmm::soft
