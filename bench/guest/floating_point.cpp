#include <emmintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

/// Steps of the logistic map: three dependent operations each, of the type's own unit of the CPU
/// (SSE2 for double, x87 for long double).
template <typename Real>
double logistic_map(double seconds) {
  constexpr double kOperations = 3;
  Real x = 0.3L;
  Real growth = 3.7L;
  asm volatile("" : "+m"(growth));
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    Real y = x;
    for (; count != 0; --count) y = growth * y * (1 - y);
    x = y;
    asm volatile("" : "+m"(x));
  });
  return rate * kOperations / kMillion;
}

/// y = a * x + y over arrays that stay in the first-level cache.
double packed(double seconds) {
  constexpr std::size_t kFloats = 2048;
  constexpr std::size_t kLanes = 4;
  constexpr double kOperations = 2 * kLanes;
  alignas(16) static std::array<float, kFloats> x;
  alignas(16) static std::array<float, kFloats> y;
  x.fill(1.5F);
  y.fill(0.5F);
  __m128 const factor = _mm_set1_ps(0.0009765625F);
  std::size_t at = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      __m128 const product = _mm_mul_ps(factor, _mm_load_ps(&x[at]));
      _mm_store_ps(&y[at], _mm_add_ps(product, _mm_load_ps(&y[at])));
      at = (at + kLanes) % kFloats;
    }
    keep(y[0]);
  });
  return rate * kOperations / kMillion;
}

constexpr std::array kMetrics{
    Metric{"sse_scalar", "MFLOP/s", logistic_map<double>},
    Metric{"sse_packed", "MFLOP/s", packed},
    Metric{"x87", "MFLOP/s", logistic_map<long double>},
};

}  // namespace

std::span<Metric const> floating_point_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
