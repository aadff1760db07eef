#include "net/address_pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace bh::net {
namespace {

Subnet subnet(char const* text) {
  return Subnet::parse(text).value();
}

TEST(AddressPool, GivesTheLowestThatIsFree) {
  auto const small = subnet("10.88.0.0/29");
  std::vector<Ipv4Address> taken;
  for (auto const* wanted : {"10.88.0.2", "10.88.0.3", "10.88.0.4", "10.88.0.5", "10.88.0.6"}) {
    auto const address = choose_address(small, taken);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->text(), wanted);
    taken.push_back(*address);
  }
  EXPECT_EQ(choose_address(small, taken).error().code, Errc::Busy);
  taken.erase(taken.begin() + 1);
  EXPECT_EQ(choose_address(small, taken).value().text(), "10.88.0.3");
}

TEST(AddressPool, GivesNoAddressOfTheNetworkItself) {
  auto const small = subnet("10.88.0.0/30");
  EXPECT_EQ(gateway_of(small).text(), "10.88.0.1");
  EXPECT_FALSE(may_be_given(small, {0x0a580000}));
  EXPECT_FALSE(may_be_given(small, {0x0a580001}));
  EXPECT_TRUE(may_be_given(small, {0x0a580002}));
  EXPECT_FALSE(may_be_given(small, {0x0a580003}));
  EXPECT_FALSE(may_be_given(small, {0x0a580006}));
}

TEST(SubnetPool, PassesOverWhatIsTaken) {
  auto const pool = subnet("10.88.0.0/16");
  EXPECT_EQ(choose_subnet(pool, 24, {}).value().text(), "10.88.0.0/24");
  std::vector<Subnet> const taken{subnet("10.88.0.0/24"), subnet("10.88.1.128/25"),
                                  subnet("10.88.2.0/23"), subnet("192.0.2.0/24")};
  EXPECT_EQ(choose_subnet(pool, 24, taken).value().text(), "10.88.4.0/24");
  EXPECT_EQ(choose_subnet(pool, 24, std::vector{subnet("10.0.0.0/8")}).error().code, Errc::Busy);
  EXPECT_EQ(choose_subnet(pool, 15, {}).error().code, Errc::Invalid);
  EXPECT_EQ(choose_subnet(subnet("255.255.255.0/24"), 25, std::vector{subnet("255.255.255.0/25")})
                .value()
                .text(),
            "255.255.255.128/25");
}

}  // namespace
}  // namespace bh::net
