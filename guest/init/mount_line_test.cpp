#include "init/mount_line.h"

#include <gtest/gtest.h>

namespace bh::init {
namespace {

TEST(MountLine, HasItsPartsAndAPathWithAnythingInIt) {
  MountLine line;
  ASSERT_TRUE(parse_mount_line("tmpfs:tmpfs:ro:size=1m,mode=700:/a:b c", line));
  EXPECT_EQ(line.type, "tmpfs");
  EXPECT_TRUE(line.read_only);
  EXPECT_EQ(line.options, "size=1m,mode=700");
  EXPECT_EQ(line.path, "/a:b c");
  ASSERT_TRUE(parse_mount_line("virtiofs:share0:rw::/x", line));
  EXPECT_EQ(line.source, "share0");
  EXPECT_FALSE(line.read_only);
}

TEST(MountLine, RefusesWhatIsNone) {
  MountLine line;
  for (auto const* const text : {"", "a", "a:b:rw:/x", "a:b:rx::/x", "a:b:rw::x", ":b:rw::/x"}) {
    EXPECT_FALSE(parse_mount_line(text, line)) << text;
  }
}

}  // namespace
}  // namespace bh::init
