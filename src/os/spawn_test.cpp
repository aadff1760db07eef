#include "os/spawn.h"

#include <gtest/gtest.h>

namespace bh::os {
namespace {

// What runs is tested in tests/system.

TEST(Spawn, NeedsAProgramToStart) {
  EXPECT_EQ(spawn({}).error().code, Errc::Invalid);
}

TEST(Spawn, KnowsWhatEndedAProcess) {
  EXPECT_EQ(exit_status_of(7 << 8), 7);
  EXPECT_EQ(exit_status_of(9), 137);
}

}  // namespace
}  // namespace bh::os
