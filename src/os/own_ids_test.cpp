#include "os/own_ids.h"

#include <gtest/gtest.h>

namespace bh::os {
namespace {

using Ranges = std::vector<IdMapping>;

TEST(OwnIds, RangesOfAUserFollowOneAnother) {
  EXPECT_EQ(subordinate_ids("root:1:2\nme:100000:65536\nyou:5:6\nme:300000:10\n", "me", 1000),
            (Ranges{{1, 100000, 65536}, {65537, 300000, 10}}));
}

TEST(OwnIds, ANumberNamesAUserToo) {
  EXPECT_EQ(subordinate_ids("1000:100000:5", "me", 1000), (Ranges{{1, 100000, 5}}));
  EXPECT_EQ(subordinate_ids("1000:100000:5", "", 1000), (Ranges{{1, 100000, 5}}));
}

TEST(OwnIds, WhatIsNoRangeIsLeftOut) {
  EXPECT_EQ(
      subordinate_ids("me\nme:\nme:x:5\nme:1\nme:5:0\nme:4294967295:2\n:1:1\nme:7:8\nme:9:1\n",
                      "me", 1000),
      (Ranges{{1, 7, 8}}));
  EXPECT_TRUE(subordinate_ids("", "me", 1000).empty());
  EXPECT_TRUE(subordinate_ids(":1:1", "", 1000).empty());
}

}  // namespace
}  // namespace bh::os
