#include "os/id_map.h"

#include <gtest/gtest.h>

namespace bh::os {
namespace {

TEST(IdMap, IsReadAsTheKernelWritesIt) {
  auto const map =
      parse_id_map("         0       1000          1\n         1     100000      65536\n");
  ASSERT_TRUE(map.has_value());
  EXPECT_EQ(*map, (std::vector<IdMapping>{{0, 1000, 1}, {1, 100000, 65536}}));
  EXPECT_EQ(outside_id(*map, 5), 100004);
  EXPECT_EQ(outside_id(*map, 70000), -1);
}

TEST(IdMap, TheHostsOwnIsToldFromOthers) {
  EXPECT_FALSE(are_mapped({.users = *parse_id_map("0 0 4294967295\n"), .groups = {}}));
  EXPECT_TRUE(are_mapped({.users = *parse_id_map("0 1000 1\n"), .groups = {}}));
  EXPECT_TRUE(are_mapped({.users = *parse_id_map("0 0 65536\n"), .groups = {}}));
}

TEST(IdMap, WhatIsNoMapIsRefused) {
  for (auto const* const text : {"\n", "0 1\n", "0 0 4294967296\n", "a b c"}) {
    EXPECT_FALSE(parse_id_map(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace bh::os
