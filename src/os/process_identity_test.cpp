#include "os/process_identity.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace bh::os {
namespace {

TEST(ProcessIdentity, IsOfOneProcessOnly) {
  auto const own = own_identity();
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->pid, ::getpid());
  EXPECT_GT(own->start_time, 0U);
  EXPECT_EQ(*identity_of(::getpid()), *own);
  EXPECT_TRUE(lives(*own));
  EXPECT_FALSE(is_dying(*own));
}

TEST(ProcessIdentity, TellsALaterProcessWithTheSameNumber) {
  auto other = *own_identity();
  other.start_time -= 1;
  EXPECT_FALSE(lives(other));
}

TEST(ProcessIdentity, OfNobodyIsNotFound) {
  EXPECT_EQ(identity_of(0x7fffffff).error().code, Errc::NotFound);
  EXPECT_FALSE(lives({.pid = 0x7fffffff, .start_time = 1}));
}

}  // namespace
}  // namespace bh::os
