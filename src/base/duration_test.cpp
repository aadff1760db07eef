#include "base/duration.h"

#include <gtest/gtest.h>

namespace bh {
namespace {

using std::chrono::milliseconds;

TEST(Duration, IsReadAsDockerWritesIt) {
  EXPECT_EQ(*parse_duration("1m30s"), milliseconds(90'000));
  EXPECT_EQ(*parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(*parse_duration("24h"), milliseconds(86'400'000));
}

TEST(Duration, IsNothingElse) {
  for (auto const* const text : {"", "5", "s", "0s", "25h", "-1s", "1s2", "99999999999999h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

}  // namespace
}  // namespace bh
