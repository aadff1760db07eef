#include "vmm/chip/host_clock.h"

#include <cpuid.h>
#include <time.h>
#include <x86intrin.h>

namespace bh::vmm::chip {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint64_t kMeasuredFor = 10'000'000;  // ns
constexpr int kTries = 8;

std::uint64_t monotonic() {
  timespec time{};
  // Cannot fail: the clock always exists.
  (void)::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

struct Sample {
  std::uint64_t now;
  std::uint64_t tsc;
};

// Both clocks at one moment: of some tries the one that was interrupted least.
Sample sample() {
  Sample best{};
  std::uint64_t shortest = ~0ULL;
  for (int i = 0; i < kTries; ++i) {
    auto const before = __rdtsc();
    auto const now = monotonic();
    auto const took = __rdtsc() - before;
    if (took < shortest) {
      shortest = took;
      best = {.now = now, .tsc = before + took / 2};
    }
  }
  return best;
}

// CPUID leaf 15H: TSC = crystal * ebx / eax; 0 where the CPU leaves a part out.
std::uint64_t khz_of_cpuid() {
  unsigned denominator = 0;
  unsigned numerator = 0;
  unsigned crystal = 0;
  unsigned unused = 0;
  if (__get_cpuid(0x15, &denominator, &numerator, &crystal, &unused) == 0) return 0;
  if (denominator == 0 || numerator == 0) return 0;
  return std::uint64_t{crystal} * numerator / denominator / 1000;
}

std::uint64_t measured_khz() {
  auto const start = sample();
  auto end = start;
  while (end.now - start.now < kMeasuredFor) {
    timespec const rest{.tv_sec = 0,
                        .tv_nsec = static_cast<long>(kMeasuredFor - (end.now - start.now))};
    ::nanosleep(&rest, nullptr);
    end = sample();
  }
  return (end.tsc - start.tsc) * 1'000'000 / (end.now - start.now);
}

}  // namespace

HostClock::HostClock() : tsc_khz_(khz_of_cpuid()) {
  if (tsc_khz_ == 0) tsc_khz_ = measured_khz();
  if (tsc_khz_ == 0) tsc_khz_ = 1;  // A TSC that stands still: deadlines are never met early.
}

std::uint64_t HostClock::now() const {
  return monotonic();
}

std::uint64_t HostClock::tsc() const {
  return __rdtsc();
}

}  // namespace bh::vmm::chip
