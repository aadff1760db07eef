#include "net/name_server.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/names.h"
#include "net/testing/states.h"

namespace bh::net {
namespace {

TEST(NameServer, KnowsTheMachinesOfItsNetwork) {
  auto const state = testing::two_networks();
  EXPECT_EQ(names_of(state, *state.network("front")),
            "10.88.1.2 web web.front\n10.88.1.3 app app.front\n");
  EXPECT_EQ(names_of(state, *state.network("back")),
            "10.88.2.2 web web.back\n10.88.2.3 db db.back\n");
}

TEST(NameServer, AsksOthersOnlyWhereSomethingMayLeave) {
  auto const state = testing::two_networks();
  auto const front = name_server_config(*state.network("front"), "/run/x", {});
  EXPECT_NE(front.find("listen-address=10.88.1.1\n"), std::string::npos);
  EXPECT_EQ(front.find("no-resolv"), std::string::npos);
  EXPECT_NE(name_server_config(*state.network("back"), "/run/x", {}).find("no-resolv\n"),
            std::string::npos);
}

TEST(NameServer, AsksForDomainsThatRulesAllowAndOpensThem) {
  auto const state = testing::named_network();
  auto const& network = *state.network("named");
  auto const config = name_server_config(network, "/run/x", {"192.0.2.53", "127.0.0.53"});
  auto const set = [](char const* pattern) {
    return "4#inet#bulkhead#" + name_set("named", DomainPattern::parse(pattern).value());
  };
  auto const has = [&](std::string const& line) {
    return config.find("\n" + line + "\n") != std::string::npos;
  };
  EXPECT_TRUE(has("no-resolv") && has("cache-size=0")) << config;
  EXPECT_TRUE(has("server=/example.com/192.0.2.53") && has("server=/example.com/127.0.0.53"));
  EXPECT_TRUE(has("server=/*.debian.org/192.0.2.53")) << config;
  EXPECT_TRUE(has("local=/*.example.com/")) << config;
  EXPECT_FALSE(has("local=/*.deb.debian.org/")) << config;
  EXPECT_TRUE(has("nftset=/example.com/" + set("example.com"))) << config;
  EXPECT_TRUE(has("nftset=/debian.org/" + set("*.debian.org"))) << config;
  auto const both = std::minmax({set("deb.debian.org"), set("*.debian.org")});
  EXPECT_TRUE(has("nftset=/deb.debian.org/" + both.first + "," + both.second)) << config;
  EXPECT_TRUE(answers_for(network, "x.debian.org"));
  EXPECT_FALSE(answers_for(network, "debian.org"));
}

}  // namespace
}  // namespace bh::net
