#include "net/address.h"

#include <gtest/gtest.h>

namespace bh::net {
namespace {

TEST(Ipv4Address, IsReadAndWritten) {
  EXPECT_EQ(Ipv4Address::parse("10.88.0.1").value().value, 0x0a580001u);
  EXPECT_EQ(Ipv4Address{0x0a580001}.text(), "10.88.0.1");
  for (auto const* bad : {"", "10.88.0", "10.88.0.256", "10.88.0.1 ", "::1", "localhost"}) {
    EXPECT_FALSE(Ipv4Address::parse(bad)) << bad;
  }
}

TEST(Subnet, KnowsWhatIsInIt) {
  auto const subnet = Subnet::parse("10.88.0.0/23").value();
  EXPECT_TRUE(subnet.contains({0x0a5801ff}));
  EXPECT_FALSE(subnet.contains({0x0a580200}));
  EXPECT_EQ(subnet.last().text(), "10.88.1.255");
  EXPECT_TRUE(subnet.overlaps(Subnet::parse("10.88.1.0/24").value()));
  EXPECT_TRUE(subnet.overlaps(Subnet::parse("0.0.0.0/0").value()));
  EXPECT_FALSE(subnet.overlaps(Subnet::parse("10.88.2.0/24").value()));
  EXPECT_EQ(Subnet::parse("1.2.3.4").value().text(), "1.2.3.4/32");
}

TEST(Subnet, SaysWhichOneIsMeant) {
  auto const wrong = Subnet::parse("10.88.0.5/24");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message,
            "\"10.88.0.5/24\": the subnet with this address is 10.88.0.0/24");
  for (auto const* bad : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "/8", "10.0.0.0/-1"}) {
    EXPECT_FALSE(Subnet::parse(bad)) << bad;
  }
}

TEST(MacAddress, IsReadAndWritten) {
  EXPECT_EQ(MacAddress::parse("02:00:aC:10:00:0f").value().text(), "02:00:ac:10:00:0f");
  for (auto const* bad : {"", "02:00:ac:10:00", "02:00:ac:10:00:0g", "02-00-ac-10-00-0f"}) {
    EXPECT_FALSE(MacAddress::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace bh::net
