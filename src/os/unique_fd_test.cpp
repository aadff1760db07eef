#include "os/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

namespace bh::os {
namespace {

int open_null() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

TEST(UniqueFd, ClosesWhatItOwnsAtTheEndOfItsScope) {
  int const number = open_null();
  {
    UniqueFd const owner(number);
    EXPECT_TRUE(owner.valid());
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, OwnsNothingByDefault) {
  UniqueFd const none;
  EXPECT_FALSE(none.valid());
  EXPECT_EQ(none.get(), -1);
}

TEST(UniqueFd, AMoveLeavesTheSourceEmpty) {
  int const number = open_null();
  UniqueFd from(number);
  UniqueFd const to(std::move(from));
  // NOLINTNEXTLINE(bugprone-use-after-move): what is left is what is tested.
  EXPECT_FALSE(from.valid());
  EXPECT_EQ(to.get(), number);
}

TEST(UniqueFd, AnAssignmentClosesWhatWasOwnedBefore) {
  int const first = open_null();
  int const second = open_null();
  UniqueFd owner(first);
  owner = UniqueFd(second);
  EXPECT_FALSE(is_open(first));
  EXPECT_TRUE(is_open(second));
}

TEST(UniqueFd, ReleaseHandsTheDescriptorOver) {
  int const number = open_null();
  {
    UniqueFd owner(number);
    EXPECT_EQ(owner.release(), number);
  }
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

}  // namespace
}  // namespace bh::os
