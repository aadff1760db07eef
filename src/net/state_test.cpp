#include "net/state.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "net/state_json.h"
#include "net/testing/states.h"

namespace bh::net {
namespace {

std::string error_of(std::string_view networks, std::string_view attachments = "") {
  auto const state = parse_state("{\"networks\": [" + std::string(networks) +
                                 "], \"attachments\": [" + std::string(attachments) + "]}");
  return state ? "no error" : state.error().message;
}

constexpr char kFront[] = R"({"name": "front", "subnet": "10.88.1.0/24"})";

TEST(State, IsTheSameAfterWritingAndReading) {
  auto const state = testing::two_networks();
  auto const again = parse_state(boost::json::serialize(json_of(state)));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, state);
}

TEST(State, SaysWhereAMistakeIs) {
  EXPECT_EQ(error_of(R"({"name": "a", "subnet": 5})"),
            "state.networks[0].subnet: must be a string");
  EXPECT_EQ(error_of(R"({"name": "a", "subnets": ""})"),
            "state.networks[0]: \"subnets\" is not known; there are name, subnet, egress, rules, "
            "names");
  EXPECT_EQ(error_of(R"({"name": "a", "subnet": "10.0.0.0/8", "rules": [{"verdict": "maybe"}]})"),
            "state.networks[0].rules[0].verdict: \"maybe\": must be allow or deny");
  EXPECT_FALSE(parse_state("[]"));
  EXPECT_FALSE(parse_state("{"));
}

TEST(State, RefusesNetworksThatCannotBe) {
  auto const network = [](std::string const& subnet) {
    return R"({"name": "a", "subnet": ")" + subnet + "\"}";
  };
  for (auto const* bad :
       {"127.0.0.0/24", "0.0.0.0/8", "224.0.0.0/24", "10.0.0.0/31", "0.0.0.0/0"}) {
    EXPECT_NE(error_of(network(bad)).find("must be one of length 8 to 30"), std::string::npos)
        << bad;
  }
  EXPECT_EQ(error_of(std::string(kFront) + "," + kFront), "network front is there twice");
  EXPECT_EQ(error_of(std::string(kFront) + R"(, {"name": "b", "subnet": "10.88.0.0/16"})"),
            "10.88.0.0/16 of network b overlaps 10.88.1.0/24 of network front");
}

TEST(State, RefusesDomainsWhereTheyWouldNotHold) {
  auto const network = [](std::string const& rule, std::string const& more) {
    return R"({"name": "example.net", "subnet": "10.88.1.0/24", "rules": [{)" + rule + "}]" + more +
           "}";
  };
  std::string const allow = R"("verdict": "allow", "to": "example.com")";
  std::string const closed = R"(, "egress": "deny", "names": true)";
  EXPECT_EQ(error_of(network(allow, closed)), "no error");
  EXPECT_EQ(error_of(network(R"("verdict": "deny", "to": "*.example.com")", closed)),
            "network example.net: rule for *.example.com: a domain cannot be denied, because its "
            "addresses need no name; deny all (egress \"deny\") and allow what is needed");
  EXPECT_NE(error_of(network(allow, R"(, "names": true)")).find("lets out nothing else"),
            std::string::npos);
  EXPECT_NE(error_of(network(allow, R"(, "egress": "deny")")).find("own name server"),
            std::string::npos);
  EXPECT_NE(error_of(network(R"("verdict": "allow", "to": "a.example.net")", closed))
                .find("the network's own"),
            std::string::npos);
  EXPECT_EQ(error_of(network(R"("verdict": "allow", "to": "bad_")", closed)),
            "state.networks[0].rules[0].to: \"bad_\": is a name without a dot");
}

TEST(State, IsTheSameWithDomains) {
  auto const state = testing::named_network();
  EXPECT_EQ(parse_state(boost::json::serialize(json_of(state))), state);
}

TEST(State, RefusesMachinesOutOfPlaceAndCollisions) {
  auto const machine = [](std::string const& name, std::string const& address,
                          std::string const& more = "") {
    return R"({"machine": ")" + name + R"(", "network": "front", "address": ")" + address + "\"" +
           more + "}";
  };
  for (auto const* bad : {"10.88.1.0", "10.88.1.1", "10.88.1.255", "10.88.2.2"}) {
    EXPECT_NE(error_of(kFront, machine("a", bad)).find("is none for machines of network front"),
              std::string::npos)
        << bad;
  }
  EXPECT_NE(error_of("", machine("a", "10.88.1.2")).find("network \"front\" is not there"),
            std::string::npos);
  EXPECT_NE(error_of(kFront, machine("a", "10.88.1.2") + "," + machine("b", "10.88.1.2"))
                .find("have the same address 10.88.1.2"),
            std::string::npos);
  EXPECT_NE(error_of(kFront, machine("a", "10.88.1.2") + "," + machine("a", "10.88.1.3"))
                .find("have the same card"),
            std::string::npos);
  EXPECT_EQ(error_of(kFront, machine("a", "10.88.1.2", R"(, "ports": ["80:80"])") + "," +
                                 machine("b", "10.88.1.3", R"(, "ports": ["0.0.0.0:80:81"])")),
            "port 0.0.0.0:80:81/tcp of machine b is taken by 127.0.0.1:80:80/tcp of machine a");
  EXPECT_NE(error_of(kFront, machine("a", "10.88.1.2", R"(, "device": "../eth0")")).find("device"),
            std::string::npos);
}

}  // namespace
}  // namespace bh::net
