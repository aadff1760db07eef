#include "jail/cgroup/hierarchy.h"

#include <gtest/gtest.h>

namespace bh::jail {
namespace {

constexpr std::string_view kHybrid =
    "24 1 0:22 / /sys rw - sysfs sysfs rw\n"
    "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:3 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "35 30 0:28 / /mnt/memory\\040again rw - cgroup cgroup rw,memory\n";

TEST(CgroupHierarchies, FindsTheTreesOfAHybridHost) {
  auto const found = parse_hierarchies(kHybrid, "4:memory:/a/b\n2:cpu,cpuacct:/\n0::/me\n");
  ASSERT_EQ(found.all.size(), 4U);
  EXPECT_TRUE(found.has_legacy());
  ASSERT_NE(found.unified(), nullptr);
  EXPECT_EQ(found.unified()->own_path, "/me");
  EXPECT_EQ(found.legacy("memory")->own_path, "/a/b");
  EXPECT_EQ(found.legacy("memory")->mount_point, "/sys/fs/cgroup/memory");
  EXPECT_EQ(found.legacy("cpuacct"), found.legacy("cpu"));
  EXPECT_NE(found.legacy("name=systemd"), nullptr);
  EXPECT_EQ(found.legacy("pids"), nullptr);
}

TEST(CgroupHierarchies, KnowsAHostWithV2Alone) {
  auto const found =
      parse_hierarchies("30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/\n");
  EXPECT_FALSE(found.has_legacy());
  EXPECT_EQ(found.unified()->mount_point, "/sys/fs/cgroup");
}

TEST(CgroupHierarchies, CutsOffWhatIsNotMounted) {
  auto const found =
      parse_hierarchies("1 2 0:1 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/box/inner\n");
  EXPECT_EQ(found.unified()->own_path, "/inner");
}

TEST(CgroupHierarchies, UnescapesPaths) {
  auto const found = parse_hierarchies("1 2 0:1 / /a\\040b\\134c rw - cgroup2 x rw\n", "");
  EXPECT_EQ(found.unified()->mount_point, "/a b\\c");
  EXPECT_EQ(found.unified()->own_path, "/");
}

TEST(CgroupHierarchies, SurvivesNonsense) {
  for (auto const* const text : {"", "\n", "1", "1 2 3 4 5 - ", " - cgroup", "a - cgroup2"}) {
    parse_hierarchies(text, text);
  }
}

}  // namespace
}  // namespace bh::jail
