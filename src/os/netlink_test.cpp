#include "os/netlink.h"

#include <gtest/gtest.h>

#include <cstring>

namespace bh::os {
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

TEST(Netlink, AttributesNest) {
  NetlinkRequest request(RTM_NEWLINK, 0, ifinfomsg{});
  request.nested(IFLA_LINKINFO, [](NetlinkRequest& info) {
    info.attribute(IFLA_INFO_KIND, "veth").nested(IFLA_INFO_DATA, [](NetlinkRequest& data) {
      data.fixed(ifinfomsg{}).attribute(IFLA_IFNAME, "eth0");
    });
  });
  auto const bytes = request.bytes(1);
  std::string seen;
  each_attribute(std::string_view(bytes).substr(sizeof(nlmsghdr) + sizeof(ifinfomsg)),
                 [&](std::uint16_t type, std::string_view value) {
                   seen += std::to_string(type) + "(";
                   each_attribute(value, [&](std::uint16_t inner, std::string_view content) {
                     seen += std::to_string(inner) + ":" + std::to_string(content.size()) + " ";
                   });
                   seen += ")";
                 });
  // The data are a fixed part of 16 and an attribute of 9, which is padded.
  EXPECT_EQ(seen, "18(1:5 2:28 )");
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
}  // namespace bh::os
