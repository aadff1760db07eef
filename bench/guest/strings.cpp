#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

/// Copies `bytes` from one buffer to another, `slice` bytes a step, again and again; MB/s.
template <std::size_t Bytes, std::size_t Slice>
double copy(double seconds) {
  // Other than zero, so that no page is the kernel's page of zeros.
  std::vector<char> const from(Bytes, 1);
  std::vector<char> to(Bytes, 2);
  std::size_t at = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      std::memcpy(to.data() + at, from.data() + at, Slice);
      keep(to[at]);
      at = (at + Slice) % Bytes;
    }
  });
  return rate * Slice / kMillion;
}

template <std::size_t Bytes>
double fill(double seconds) {
  std::vector<char> to(Bytes, 2);
  char value = 1;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      std::memset(to.data(), value, Bytes);
      keep(to[0]);
      ++value;
    }
  });
  return rate * Bytes / kMillion;
}

template <std::size_t Bytes>
double length(double seconds) {
  std::vector<char> text(Bytes, 'x');
  text.back() = '\0';
  char const* start = text.data();
  std::size_t found = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      keep(start);
      found = std::strlen(start);
      keep(found);
    }
  });
  check("strlen", found, Bytes - 1);
  return rate * Bytes / kMillion;
}

template <std::size_t Bytes>
double rep_movsb(double seconds) {
  std::vector<char> const from(Bytes, 1);
  std::vector<char> to(Bytes, 2);
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      void const* source = from.data();
      void* target = to.data();
      std::size_t bytes = Bytes;
      asm volatile("rep movsb" : "+S"(source), "+D"(target), "+c"(bytes) : : "memory");
    }
  });
  check("rep_movsb", to == from ? 1 : 0, 1);
  return rate * Bytes / kMillion;
}

template <std::size_t Bytes>
double rep_stosb(double seconds) {
  std::vector<char> to(Bytes, 2);
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      void* target = to.data();
      std::size_t bytes = Bytes;
      asm volatile("rep stosb" : "+D"(target), "+c"(bytes) : "a"(1) : "memory");
    }
  });
  check("rep_stosb", to == std::vector<char>(Bytes, 1) ? 1 : 0, 1);
  return rate * Bytes / kMillion;
}

constexpr std::array kMetrics{
    Metric{"memcpy_64k", group::kString, "MB/s", copy<64 * kKiB, 64 * kKiB>},
    // In slices, so that a slow CPU need not copy all of it before it looks at the clock.
    Metric{"memcpy_32m", group::kString, "MB/s", copy<32 * kMiB, 256 * kKiB>},
    Metric{"memset_64k", group::kString, "MB/s", fill<64 * kKiB>},
    Metric{"strlen_4k", group::kString, "MB/s", length<4 * kKiB>},
    Metric{"rep_movsb_64k", group::kString, "MB/s", rep_movsb<64 * kKiB>},
    Metric{"rep_stosb_64k", group::kString, "MB/s", rep_stosb<64 * kKiB>},
};

}  // namespace

std::span<Metric const> string_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
