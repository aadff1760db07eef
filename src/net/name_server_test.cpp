#include "net/name_server.h"

#include <gtest/gtest.h>

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
  auto const front = name_server_config(*state.network("front"), "/run/x");
  EXPECT_NE(front.find("listen-address=10.88.1.1\n"), std::string::npos);
  EXPECT_EQ(front.find("no-resolv"), std::string::npos);
  EXPECT_NE(name_server_config(*state.network("back"), "/run/x").find("no-resolv\n"),
            std::string::npos);
}

}  // namespace
}  // namespace bh::net
