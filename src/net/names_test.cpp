#include "net/names.h"

#include <gtest/gtest.h>

namespace bh::net {
namespace {

TEST(DeviceNames, AreTheSameEverAndFitTheKernel) {
  EXPECT_EQ(bridge_name("front"), "bhb538b8c566e9");
  EXPECT_EQ(link_name("web", "front"), "bhmf6fd712f2d1");
  EXPECT_NE(link_name("web", "back"), link_name("web", "front"));
}

TEST(DeviceNames, AreToldFromOthers) {
  EXPECT_TRUE(is_our_bridge(bridge_name("front")));
  EXPECT_TRUE(is_our_link(link_name("web", "front")));
  for (auto const* other : {"bhb0", "bhb538b8c566eg", "bhb538b8c566e99", "br-538b8c566e9", ""}) {
    EXPECT_FALSE(is_our_bridge(other)) << other;
  }
}

TEST(MacOf, IsOneStationsAndOurs) {
  auto const mac = mac_of("web/front");
  EXPECT_EQ(mac.bytes[0] & 3, 2);
  EXPECT_EQ(mac, mac_of("web/front"));
  EXPECT_NE(mac, mac_of("web/back"));
}

TEST(Names, AreWords) {
  for (auto const* good : {"a", "web-1", "A.b_c", "0"}) EXPECT_TRUE(check_name(good)) << good;
  for (auto const* bad : {"", "-a", ".a", "a b", "a/b", "a\"b", "host name", "ü",
                          "a23456789012345678901234567890123"}) {
    EXPECT_FALSE(check_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace bh::net
