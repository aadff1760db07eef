#include "init/addresses.h"

#include <gtest/gtest.h>

namespace bh::init {
namespace {

TEST(InterfaceAddress, HasAMask) {
  in_addr address{};
  in_addr mask{};
  ASSERT_TRUE(parse_interface_address("10.0.2.15/24", address, mask));
  EXPECT_EQ(ntohl(address.s_addr), 0x0a00020fu);
  EXPECT_EQ(ntohl(mask.s_addr), 0xffffff00u);
  ASSERT_TRUE(parse_interface_address("10.0.2.15/32", address, mask));
  EXPECT_EQ(ntohl(mask.s_addr), 0xffffffffu);
}

TEST(InterfaceAddress, IsNothingElse) {
  in_addr address{};
  in_addr mask{};
  for (auto const* bad : {"", "10.0.2.15", "10.0.2.15/", "10.0.2.15/0", "10.0.2.15/33", "10.0.2/24",
                          "10.0.2.15/24x", "100.100.100.1000000/8"}) {
    EXPECT_FALSE(parse_interface_address(bad, address, mask)) << bad;
  }
}

}  // namespace
}  // namespace bh::init
