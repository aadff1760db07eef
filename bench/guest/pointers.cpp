#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

struct alignas(64) Node {
  Node const* next = nullptr;
};

/// Follows a ring that visits every cache line of `Bytes` in random order: each load waits for the
/// last one.
template <std::size_t Bytes>
double chase(double seconds) {
  std::vector<Node> nodes(Bytes / sizeof(Node));
  std::vector<std::uint32_t> order(nodes.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::uint64_t random = 1;
  for (std::size_t i = order.size() - 1; i > 0; --i) {
    random = random * 6364136223846793005 + 1442695040888963407;
    std::swap(order[i], order[(random >> 33) % (i + 1)]);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    nodes[order[i]].next = &nodes[order[(i + 1) % order.size()]];
  }
  Node const* at = nodes.data();
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) at = at->next;
    keep(at);
  });
  return rate / kMillion;
}

constexpr std::array kMetrics{
    Metric{"ptr_chase_64k", group::kInteger, "Mloads/s", chase<64 * kKiB>},
    Metric{"ptr_chase_16m", group::kInteger, "Mloads/s", chase<16 * kMiB>},
};

}  // namespace

std::span<Metric const> pointer_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
