#include "machine/clock.h"

#include <gtest/gtest.h>

namespace bh::machine {
namespace {

TEST(Clock, WritesTimesAsOthersReadThem) {
  EXPECT_EQ(rfc3339(1'700'000'000'007), "2023-11-14T22:13:20.007Z");
  EXPECT_EQ(rfc3339(0), "0001-01-01T00:00:00Z");
  EXPECT_GT(now(), 1'700'000'000'000);
}

}  // namespace
}  // namespace bh::machine
