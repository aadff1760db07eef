#include "os/child.h"

#include <gtest/gtest.h>

namespace bh::os {
namespace {

// What runs is tested through `bulkhead run`, in tests/system.

TEST(Child, NeedsAProgramToStart) {
  auto const child = Child::start({});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::Invalid);
}

TEST(Child, NamesTheProgramThatIsNotThere) {
  auto const child = Child::start({"/nowhere/program", "argument"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::NotFound);
  EXPECT_NE(child.error().message.find("/nowhere/program"), std::string::npos);
}

}  // namespace
}  // namespace bh::os
