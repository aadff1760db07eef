#include "init/hard_links.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace bh::init {
namespace {

TEST(HardLinks, KnowsTheFirstPathOfAFile) {
  auto const links = std::make_unique<HardLinks>();
  EXPECT_EQ(links->find_or_add(7, "./a"), "");
  EXPECT_EQ(links->find_or_add(8, "./b"), "");
  EXPECT_EQ(links->find_or_add(7, "./c"), "./a");
  EXPECT_EQ(links->find_or_add(8, "./d"), "./b");
}

TEST(HardLinks, TakesWhatItHasRoomFor) {
  auto const links = std::make_unique<HardLinks>();
  std::string const path(4000, 'x');
  for (std::uint64_t inode = 0; inode < 2000; ++inode) {
    EXPECT_EQ(links->find_or_add(inode, path), "");
  }
  EXPECT_EQ(links->find_or_add(0, "./again"), path);
  EXPECT_EQ(links->find_or_add(1999, "./again"), "") << "beyond its room";
}

}  // namespace
}  // namespace bh::init
