#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

int compare(void const* left, void const* right) {
  auto const a = *static_cast<std::uint32_t const*>(left);
  auto const b = *static_cast<std::uint32_t const*>(right);
  return a < b ? -1 : static_cast<int>(a > b);
}

/// qsort() of random numbers, a call through a pointer for each comparison.
double quick_sort(double seconds) {
  constexpr std::size_t kNumbers = 1'000'000;
  std::vector<std::uint32_t> numbers(kNumbers);
  std::uint64_t random = 1;
  // Not units_per_second(): one unit is all of it, however slow the CPU.
  double sorting = 0;
  double sorted = 0;
  do {
    for (auto& number : numbers) {
      random = random * 6364136223846793005 + 1442695040888963407;
      number = static_cast<std::uint32_t>(random >> 32);
    }
    double const start = now();
    std::qsort(numbers.data(), numbers.size(), sizeof numbers[0], compare);
    sorting += now() - start;
    sorted += kNumbers;
  } while (sorting < seconds);
  check("qsort_1m", std::is_sorted(numbers.begin(), numbers.end()) ? 1 : 0, 1);
  return sorted / sorting / kMillion;
}

constexpr std::array kMetrics{
    Metric{"qsort_1m", group::kInteger, "Melem/s", quick_sort},
};

}  // namespace

std::span<Metric const> sort_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
