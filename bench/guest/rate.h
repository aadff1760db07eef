#pragma once

#include <time.h>

#include <cstdint>

namespace bh::bench {

/// Seconds of CLOCK_MONOTONIC, from an arbitrary start.
inline double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  constexpr double kNanosecond = 1e-9;
  return static_cast<double>(time.tv_sec) + kNanosecond * static_cast<double>(time.tv_nsec);
}

/// Calls `batch(count)`, which does `count` units of work, for about `seconds`; returns units per
/// second.
///
/// The same program must end in time on a CPU a thousand times slower, so the first batch is one
/// unit, batches grow only while they stay short, and the clock is read after each. One unit should
/// take a microsecond or less on an ordinary CPU.
template <typename Batch>
double units_per_second(double seconds, Batch&& batch) {
  constexpr double kBatchesPerRun = 32;
  std::uint64_t count = 1;
  for (;;) {
    double const start = now();
    batch(count);
    if (now() - start >= seconds / kBatchesPerRun) break;
    count *= 2;
  }
  std::uint64_t done = 0;
  double const start = now();
  double elapsed = 0;
  do {
    batch(count);
    done += count;
    elapsed = now() - start;
  } while (elapsed < seconds);
  return static_cast<double>(done) / elapsed;
}

/// Makes the compiler believe that `value` is read and changed here: loops stay, results are used.
template <typename T>
inline void keep(T& value) {
  asm volatile("" : "+rm"(value) : : "memory");
}

}  // namespace bh::bench
