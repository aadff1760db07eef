#include "os/temporary_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace bh::os {
namespace {

TEST(TemporaryFolder, GoesWithItsContents) {
  std::string path;
  {
    auto const folder = TemporaryFolder::create("bulkhead-test");
    ASSERT_TRUE(folder) << folder.error().message;
    path = folder->path();
    std::ofstream(path + "/file") << "x";
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
  }
  struct stat info{};
  EXPECT_NE(::stat(path.c_str(), &info), 0);
}

}  // namespace
}  // namespace bh::os
