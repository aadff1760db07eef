#include "jail/mount_options.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

namespace bh::jail {
namespace {

MountOptions parsed(std::vector<std::string> const& options) {
  return parse_mount_options(options).value();
}

TEST(MountOptions, TheLaterOfTwoOppositesWins) {
  EXPECT_EQ(parsed({"ro", "rw"}).set & MOUNT_ATTR_RDONLY, 0U);
  EXPECT_EQ(parsed({"rw", "ro"}).set & MOUNT_ATTR_RDONLY, std::uint64_t{MOUNT_ATTR_RDONLY});
}

TEST(MountOptions, AnRInFrontMeansTheTree) {
  auto const options = parsed({"rbind", "rro", "rnosuid"});
  EXPECT_EQ(options.bind, Bind::Tree);
  EXPECT_EQ(options.set, 0U);
  EXPECT_EQ(options.set_tree, std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
}

TEST(MountOptions, OneWayToKeepAccessTimesReplacesAnother) {
  auto const options = parsed({"noatime", "strictatime"});
  EXPECT_EQ(options.set, std::uint64_t{MOUNT_ATTR_STRICTATIME});
  EXPECT_EQ(options.clear & MOUNT_ATTR__ATIME, std::uint64_t{MOUNT_ATTR__ATIME});
}

TEST(MountOptions, WhatIsNotKnownBelongsToTheFileSystem) {
  auto const options = parsed({"size=64k", "mode=755", "nosuid", "sync"});
  EXPECT_EQ(options.data, (std::vector<std::string>{"size=64k", "mode=755", "sync"}));
}

TEST(MountOptions, PropagationKeepsItsReach) {
  auto const options = parsed({"rslave", "shared"});
  ASSERT_EQ(options.propagation.size(), 2U);
  EXPECT_EQ(options.propagation[0].type, std::uint64_t{MS_SLAVE});
  EXPECT_TRUE(options.propagation[0].recursive);
  EXPECT_FALSE(options.propagation[1].recursive);
}

TEST(MountOptions, CopyUpIsForTmpfs) {
  EXPECT_FALSE(parse_mount_options(std::vector<std::string>{"bind", "tmpcopyup"}));
}

TEST(MountOptions, EveryNamedOptionIsUnderstood) {
  for (auto const name : known_mount_options()) {
    EXPECT_TRUE(parsed({std::string(name)}).data.empty() || name == "sync" || name == "dirsync" ||
                name == "lazytime" || name == "mand" || name == "iversion" || name == "acl" ||
                name == "noacl")
        << name;
  }
}

}  // namespace
}  // namespace bh::jail
