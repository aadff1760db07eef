#include "machine/machine_name.h"

#include <gtest/gtest.h>

namespace bh::machine {
namespace {

TEST(MachineName, MayBeWhatHostNamesAre) {
  for (auto const* const name : {"web", "web-1.example_x", "7", "A"}) EXPECT_TRUE(check_name(name));
  EXPECT_TRUE(check_name(std::string(63, 'a')));
}

TEST(MachineName, MayNotBePathsOrOptions) {
  for (auto const* const name : {"", ".", "..", "-x", "a/b", "a b", "ä", "_a"}) {
    EXPECT_EQ(check_name(name).error().code, Errc::Invalid) << name;
  }
  EXPECT_FALSE(check_name(std::string(64, 'a')));
}

TEST(MachineName, IsMadeWhenNoneIsGiven) {
  EXPECT_TRUE(check_name(random_name()));
  EXPECT_EQ(random_id().size(), 12U);
  EXPECT_NE(random_id(), random_id());
}

}  // namespace
}  // namespace bh::machine
