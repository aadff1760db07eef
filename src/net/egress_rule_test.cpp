#include "net/egress_rule.h"

#include <gtest/gtest.h>

namespace bh::net {
namespace {

TEST(EgressRule, IsASubnetOrADomainAndPerhapsAPort) {
  for (auto const* const text :
       {"0.0.0.0/0", "10.0.0.0/8:25/tcp", "192.0.2.2/32:53/udp", "192.0.2.0/24/udp", "example.com",
        "*.debian.org:443/tcp", "ntp.example.com:123/udp", "example.com/tcp"}) {
    auto const rule = EgressRule::parse(Verdict::Deny, text);
    ASSERT_TRUE(rule) << rule.error().message;
    EXPECT_EQ(rule->verdict, Verdict::Deny);
    EXPECT_EQ(rule->target(), text);
  }
  EXPECT_EQ(EgressRule::parse(Verdict::Allow, "192.0.2.2:443")->target(), "192.0.2.2/32:443/tcp");
  EXPECT_EQ(EgressRule::parse(Verdict::Allow, "Example.com.:443")->target(), "example.com:443/tcp");
}

TEST(EgressRule, RefusesWhatIsNone) {
  for (auto const* const text :
       {"", "example", "*:443", "example.org/24", "10.0.0.1/8", "10.0.0.0/8:0",
        "10.0.0.0/8:80/sctp", ":80", "10.0.0.0/8:80:81", "/tcp"}) {
    auto const rule = EgressRule::parse(Verdict::Allow, text);
    ASSERT_FALSE(rule) << text;
    EXPECT_EQ(rule.error().code, Errc::Invalid) << text;
  }
}

}  // namespace
}  // namespace bh::net
