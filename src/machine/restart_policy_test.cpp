#include "machine/restart_policy.h"

#include <gtest/gtest.h>

namespace bh::machine {
namespace {

TEST(RestartPolicy, IsWrittenAsItIsRead) {
  for (auto const* const text : {"no", "on-failure", "on-failure:3", "always", "unless-stopped"}) {
    auto const policy = RestartPolicy::parse(text);
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->text(), text);
  }
}

TEST(RestartPolicy, RefusesOthers) {
  for (auto const* const text : {"", "sometimes", "on-failure:", "on-failure:0", "on-failure:3x",
                                 "on-failure3", "always:3"}) {
    EXPECT_EQ(RestartPolicy::parse(text).error().code, Errc::Invalid) << text;
  }
}

TEST(RestartPolicy, RestartsWhatItIsFor) {
  EXPECT_FALSE(RestartPolicy::parse("no")->wants_restart(1, 0));
  EXPECT_TRUE(RestartPolicy::parse("always")->wants_restart(0, 99));
  EXPECT_TRUE(RestartPolicy::parse("unless-stopped")->wants_restart(0, 99));
  auto const twice = *RestartPolicy::parse("on-failure:2");
  EXPECT_FALSE(twice.wants_restart(0, 0));
  EXPECT_TRUE(twice.wants_restart(1, 1));
  EXPECT_FALSE(twice.wants_restart(1, 2));
}

}  // namespace
}  // namespace bh::machine
