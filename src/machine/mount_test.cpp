#include "machine/mount.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace bh::machine {
namespace {

TEST(MachineMount, IsReadFromDockersShortForm) {
  EXPECT_EQ(*parse_volume_option("data:/var/lib"),
            (Mount{.kind = MountKind::Volume, .source = "data", .target = "/var/lib"}));
  EXPECT_EQ(*parse_volume_option("/srv/:/a/../b//:ro"),
            (Mount{.kind = MountKind::Bind, .source = "/srv", .target = "/b", .read_only = true}));
  EXPECT_EQ(parse_volume_option("/cache")->source, "");
  EXPECT_EQ(parse_volume_option("./x:/x")->source,
            (std::filesystem::current_path() / "x").string());
}

TEST(MachineMount, IsReadFromDockersLongForm) {
  EXPECT_EQ(*parse_mount_option("type=bind,src=/srv,dst=/x,readonly"),
            (Mount{.kind = MountKind::Bind, .source = "/srv", .target = "/x", .read_only = true}));
  EXPECT_EQ(*parse_mount_option("source=a,target=/x,ro=false"),
            (Mount{.kind = MountKind::Volume, .source = "a", .target = "/x"}));
  EXPECT_EQ(*parse_mount_option("type=tmpfs,target=/x,tmpfs-size=64m,tmpfs-mode=1777"),
            (Mount{.kind = MountKind::Memory, .target = "/x", .options = "size=64m,mode=1777"}));
  EXPECT_EQ(*parse_tmpfs_option("/x:size=1g"),
            (Mount{.kind = MountKind::Memory, .target = "/x", .options = "size=1g"}));
}

TEST(MachineMount, RefusesWhatCannotBeMounted) {
  for (auto const* const text : {"", "data:", ":/x", "data:x", "a b:/x", "data:/", "/srv:/..",
                                 "data:/x:rx", "data:/x:ro:z", "data:/proc/x", "data:/sys"}) {
    EXPECT_EQ(parse_volume_option(text).error().code, Errc::Invalid) << text;
  }
  for (auto const* const text :
       {"", "type=bind,target=/x", "type=none,target=/x", "source=a", "target=/x,colour=red",
        "type=tmpfs,source=a,target=/x", "target=/x,tmpfs-size=1", "target=/x,ro=maybe",
        "type=bind,source=name,target=/x"}) {
    EXPECT_EQ(parse_mount_option(text).error().code, Errc::Invalid) << text;
  }
  for (auto const* const text : {"x", "/x:exec", "/x:size=", "/x:size=m", "/x:mode=9"}) {
    EXPECT_EQ(parse_tmpfs_option(text).error().code, Errc::Invalid) << text;
  }
}

TEST(MachineMount, ComesAfterWhatItLiesIn) {
  std::vector<Mount> mounts{{.target = "/a/b/c"}, {.target = "/z"}, {.target = "/a/b"}};
  ASSERT_TRUE(order_mounts(mounts));
  EXPECT_EQ(mounts[0].target, "/z");
  EXPECT_EQ(mounts[2].target, "/a/b/c");
  mounts.push_back({.target = "/z"});
  EXPECT_EQ(order_mounts(mounts).error().code, Errc::Invalid);
}

TEST(MachineMount, IsTheSameAfterJson) {
  Mount const mount{
      .kind = MountKind::Memory, .target = "/x", .options = "size=1", .read_only = true};
  EXPECT_EQ(*parse_mount(json_of(mount)), mount);
}

}  // namespace
}  // namespace bh::machine
