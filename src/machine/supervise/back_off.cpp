#include "machine/supervise/back_off.h"

#include <algorithm>

namespace bh::machine {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirst{100};
constexpr milliseconds kLongest{60'000};
constexpr milliseconds kLongRun{10'000};

}  // namespace

std::optional<milliseconds> BackOff::next(milliseconds lasted, std::uint32_t random) {
  if (lasted >= kLongRun) short_runs_ = 0;
  if (++short_runs_ > kMostShortRuns) return std::nullopt;
  auto const delay = std::min(kLongest, kFirst * (1 << (short_runs_ - 1)));
  // Up to a quarter more.
  return delay + milliseconds(random % static_cast<std::uint32_t>(delay.count() / 4 + 1));
}

}  // namespace bh::machine
