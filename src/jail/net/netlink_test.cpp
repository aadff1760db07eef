#include "jail/net/netlink.h"

#include <gtest/gtest.h>

#include <cstring>

namespace bh::jail {
namespace {

TEST(Netlink, ARequestHasItsLengthItsNumberAndAttributes) {
  NetlinkRequest request(RTM_NEWLINK, 0, ifinfomsg{});
  request.attribute(IFLA_IFNAME, "eth0").attribute(IFLA_MTU, 1400U);
  auto const bytes = request.bytes(7);
  nlmsghdr header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header.nlmsg_len, bytes.size());
  EXPECT_EQ(header.nlmsg_seq, 7U);
  EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
  std::string seen;
  each_attribute(std::string_view(bytes).substr(sizeof header + sizeof(ifinfomsg)),
                 [&](std::uint16_t type, std::string_view value) {
                   seen += std::to_string(type) + ":" + std::to_string(value.size()) + " ";
                 });
  EXPECT_EQ(seen, "3:5 4:4 ");
}

TEST(Netlink, AttributesThatEndEarlyAreLeftOut) {
  int count = 0;
  for (std::string const& bytes :
       {std::string("\x02\x00\x01\x00", 4), std::string("\x08\x00\x01\x00", 4),
        std::string("\x08\x00", 2), std::string()}) {
    each_attribute(bytes, [&](std::uint16_t, std::string_view) { ++count; });
  }
  EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace bh::jail
