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

/// Pixels of the Mandelbrot set, in rows of a picture: multiplications, additions and a branch on
/// their result.
double mandelbrot(double seconds) {
  constexpr std::uint64_t kWidth = 64;
  constexpr std::uint64_t kHeight = 64;
  constexpr int kMostSteps = 100;
  constexpr double kFar = 4;
  std::uint64_t pixel = 0;
  std::uint64_t steps_of_all = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count, ++pixel) {
      double const real = -2.0 + 3.0 * static_cast<double>(pixel % kWidth) / kWidth;
      double const imaginary = -1.5 + 3.0 * static_cast<double>(pixel / kWidth % kHeight) / kHeight;
      double x = 0;
      double y = 0;
      int steps = 0;
      for (; steps < kMostSteps && x * x + y * y < kFar; ++steps) {
        double const next = x * x - y * y + real;
        y = 2 * x * y + imaginary;
        x = next;
      }
      steps_of_all += static_cast<std::uint64_t>(steps);
    }
    keep(steps_of_all);
  });
  return rate / kMillion;
}

constexpr std::array kMetrics{
    Metric{"sse_scalar", group::kFloatingPoint, "MFLOP/s", logistic_map<double>},
    Metric{"sse_packed", group::kFloatingPoint, "MFLOP/s", packed},
    Metric{"x87", group::kFloatingPoint, "MFLOP/s", logistic_map<long double>},
    Metric{"mandelbrot", group::kFloatingPoint, "Mpixels/s", mandelbrot},
};

}  // namespace

std::span<Metric const> floating_point_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
