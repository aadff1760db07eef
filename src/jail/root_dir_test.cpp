#include "jail/root_dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/temporary_folder.h"

namespace bh::jail {
namespace {

class RootDirTest : public ::testing::Test {
 protected:
  RootDirTest()
      : folder_(os::TemporaryFolder::create("root-dir").value()),
        root_(os::open_file(folder_.path() + "/.", O_PATH | O_DIRECTORY).value()) {
    ::mkdir(inside("in").c_str(), 0755);
    ::mkdir(inside("etc").c_str(), 0755);
  }
  std::string inside(std::string const& path) const { return folder_.path() + "/" + path; }
  void link(std::string const& to, std::string const& path) const {
    ASSERT_EQ(::symlink(to.c_str(), inside(path).c_str()), 0);
  }
  bool exists(std::string const& path) const {
    return ::faccessat(AT_FDCWD, inside(path).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  }

  os::TemporaryFolder folder_;
  RootDir root_;
};

TEST_F(RootDirTest, AnAbsoluteLinkStaysInTheRoot) {
  link("/etc", "link");
  ASSERT_TRUE(root_.make_folder("/link/made"));
  EXPECT_TRUE(exists("etc/made"));
}

TEST_F(RootDirTest, DotsDoNotLeaveTheRoot) {
  ASSERT_TRUE(root_.make_file("../../../../in/../escaped"));
  EXPECT_TRUE(exists("escaped"));
  link("../../../../..", "up");
  ASSERT_TRUE(root_.make_folder("/up/etc/below"));
  EXPECT_TRUE(exists("etc/below"));
}

TEST_F(RootDirTest, MakesWhatIsMissingAbove) {
  ASSERT_TRUE(root_.make_file("/a/b/c/file"));
  EXPECT_TRUE(exists("a/b/c/file"));
  ASSERT_TRUE(root_.make_file("/a/b/c/file"));
}

TEST_F(RootDirTest, ADanglingLinkIsNotFollowed) {
  link("/nowhere", "link");
  EXPECT_FALSE(root_.make_folder("/link/x"));
  EXPECT_FALSE(root_.make_file("/link"));
  EXPECT_FALSE(exists("nowhere"));
}

TEST_F(RootDirTest, LinksOfProcAreRefused) {
  RootDir const host(os::open_file("/", O_PATH | O_DIRECTORY).value());
  EXPECT_FALSE(host.open("/proc/self/cwd", O_PATH));
  EXPECT_FALSE(host.open("/proc/self/exe", O_RDONLY));
}

TEST_F(RootDirTest, CanRefuseEveryLink) {
  link("in", "link");
  EXPECT_TRUE(root_.open("/link", O_PATH));
  EXPECT_FALSE(root_.open_without_links("/link", O_PATH));
}

TEST_F(RootDirTest, AFileIsNotAFolder) {
  ASSERT_TRUE(root_.make_file("/file"));
  auto const made = root_.make_folder("/file/below");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::Invalid);
}

TEST(RelativePath, DropsWhatSaysNothing) {
  EXPECT_EQ(relative_path("/a//b/./c/"), "a/b/c");
  EXPECT_EQ(relative_path("/"), "");
  EXPECT_EQ(relative_path("../x"), "../x");
}

}  // namespace
}  // namespace bh::jail
