#include "os/folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "os/temporary_folder.h"

namespace bh::os {
namespace {

class FolderTest : public testing::Test {
 protected:
  TemporaryFolder folder_ = std::move(TemporaryFolder::create("folder-test").value());
  std::string path_ = folder_.path() + "/a";
};

TEST_F(FolderTest, IsMadeWithThoseAboveIt) {
  EXPECT_TRUE(make_folders(path_ + "/b/c"));
  EXPECT_TRUE(make_folders(path_ + "/b/c"));
  EXPECT_TRUE(open_folder(path_ + "/b/c"));
  EXPECT_EQ(names_in(AT_FDCWD, path_).value(), std::vector<std::string>{"b"});
}

TEST_F(FolderTest, ThatIsAbsentIsEmpty) {
  EXPECT_TRUE(names_in(AT_FDCWD, path_)->empty());
  EXPECT_TRUE(remove_tree(AT_FDCWD, path_));
}

TEST_F(FolderTest, IsRemovedWithAllInItButNothingThatLinksLeadTo) {
  ASSERT_TRUE(make_folders(path_ + "/b/c"));
  ASSERT_TRUE(make_folders(folder_.path() + "/other"));
  std::ofstream(folder_.path() + "/other/kept") << "x";
  std::ofstream(path_ + "/b/file") << "x";
  ASSERT_EQ(::symlink("../../other", (path_ + "/b/link").c_str()), 0);
  ASSERT_EQ(::chmod((path_ + "/b/c").c_str(), 0), 0);
  auto const removed = remove_tree(AT_FDCWD, path_);
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
  EXPECT_EQ(::access((folder_.path() + "/other/kept").c_str(), F_OK), 0);
}

TEST_F(FolderTest, IsRemovedHoweverDeepOthersAreInIt) {
  ASSERT_TRUE(make_folders(path_));
  auto at = open_folder(path_).value();
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0700), 0);
    at = UniqueFd(::openat(at.get(), "d", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  auto const removed = remove_tree(AT_FDCWD, path_);
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace bh::os
