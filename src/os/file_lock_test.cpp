#include "os/file_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "os/temporary_folder.h"

namespace bh::os {
namespace {

class FileLockTest : public testing::Test {
 protected:
  Result<std::optional<FileLock>> try_lock(LockKind kind) const {
    return FileLock::try_lock(AT_FDCWD, path_, kind);
  }

  TemporaryFolder folder_ = std::move(TemporaryFolder::create("lock-test").value());
  std::string path_ = folder_.path() + "/lock";
};

TEST_F(FileLockTest, KeepsOthersAwayUntilItEnds) {
  {
    auto const lock = FileLock::lock(AT_FDCWD, path_, LockKind::Exclusive);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_FALSE(try_lock(LockKind::Exclusive)->has_value());
    EXPECT_FALSE(try_lock(LockKind::Shared)->has_value());
  }
  EXPECT_TRUE(try_lock(LockKind::Exclusive)->has_value());
}

TEST_F(FileLockTest, CanBeShared) {
  auto const lock = FileLock::lock(AT_FDCWD, path_, LockKind::Shared);
  EXPECT_TRUE(try_lock(LockKind::Shared)->has_value());
  EXPECT_FALSE(try_lock(LockKind::Exclusive)->has_value());
}

TEST_F(FileLockTest, OfARemovedFileHoldsNobodyBack) {
  auto const lock = FileLock::lock(AT_FDCWD, path_, LockKind::Exclusive);
  lock->remove(AT_FDCWD, path_);
  auto const next = try_lock(LockKind::Exclusive);
  ASSERT_TRUE(next->has_value());
  // It is not at the name any more, so nothing that is there goes away.
  lock->remove(AT_FDCWD, path_);
  EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace bh::os
