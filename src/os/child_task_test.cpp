#include "os/child_task.h"

#include <gtest/gtest.h>

namespace bh::os {
namespace {

TEST(ChildTask, ItsErrorIsOurs) {
  EXPECT_TRUE(in_child([]() -> Result<> { return {}; }).has_value());
  auto const failed = in_child([]() -> Result<> { return fail(Errc::Busy, "not now"); });
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, Errc::Busy);
  EXPECT_EQ(failed.error().message, "not now");
}

TEST(ChildTask, ItChangesNothingOfOurs) {
  int number = 1;
  EXPECT_TRUE(in_child([&]() -> Result<> {
                number = 2;
                return {};
              }).has_value());
  EXPECT_EQ(number, 1);
}

}  // namespace
}  // namespace bh::os
