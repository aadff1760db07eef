#include "machine/supervise/back_off.h"

#include <gtest/gtest.h>

namespace bh::machine {
namespace {

using std::chrono::milliseconds;

TEST(BackOff, DoublesUpToAMinute) {
  BackOff back_off;
  for (int const expected : {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200}) {
    EXPECT_EQ(back_off.next(milliseconds(1), 0), milliseconds(expected));
  }
}

TEST(BackOff, GivesUpAfterTenShortRuns) {
  BackOff back_off;
  for (std::uint64_t i = 0; i < BackOff::kMostShortRuns; ++i) {
    EXPECT_TRUE(back_off.next(milliseconds(9'999), 0));
  }
  EXPECT_FALSE(back_off.next(milliseconds(9'999), 0));
}

TEST(BackOff, StartsAgainAfterALongRun) {
  BackOff back_off;
  (void)back_off.next(milliseconds(0), 0);
  (void)back_off.next(milliseconds(0), 0);
  EXPECT_EQ(back_off.next(milliseconds(10'000), 0), milliseconds(100));
}

TEST(BackOff, HasJitter) {
  for (std::uint32_t random = 0; random < 100; ++random) {
    auto const delay = BackOff().next(milliseconds(0), random);
    EXPECT_GE(delay, milliseconds(100));
    EXPECT_LE(delay, milliseconds(125));
  }
}

}  // namespace
}  // namespace bh::machine
