#include "os/process_usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace bh::os {
namespace {

TEST(ProcessUsage, AProcessHasMemory) {
  auto const usage = process_usage(::getpid());
  ASSERT_TRUE(usage.has_value());
  EXPECT_GT(usage->memory, 4096U);
}

TEST(ProcessUsage, NobodyUsesNothing) {
  auto const usage = process_usage(-1);
  ASSERT_FALSE(usage.has_value());
  EXPECT_EQ(usage.error().code, Errc::NotFound);
}

}  // namespace
}  // namespace bh::os
