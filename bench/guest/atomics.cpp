#include <array>
#include <atomic>
#include <cstdint>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

std::atomic<std::uint64_t> counter;

double add(double seconds) {
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) counter.fetch_add(1);
  });
  return rate / kMillion;
}

double compare_exchange(double seconds) {
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    std::uint64_t seen = counter.load();
    for (; count != 0; --count) {
      if (counter.compare_exchange_strong(seen, seen + 1)) ++seen;
    }
  });
  return rate / kMillion;
}

constexpr std::array kMetrics{
    Metric{"atomic_add", group::kAtomic, "Mops/s", add},
    Metric{"atomic_cas", group::kAtomic, "Mops/s", compare_exchange},
};

}  // namespace

std::span<Metric const> atomic_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
