#include "machine/network/name_servers.h"

#include <gtest/gtest.h>

namespace bh::machine {
namespace {

TEST(NameServers, AreThoseThatAMachineCanAsk) {
  EXPECT_EQ(name_servers_in("# nameserver 192.0.2.9\n"
                            "search example.org\n"
                            "nameserver 127.0.0.53\n"
                            "nameserver\t192.0.2.1 \n"
                            "nameserver 2001:db8::1\n"
                            "nameservers 192.0.2.8\n"
                            "nameserver\n"
                            "nameserver 192.0.2.2"),
            (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_TRUE(name_servers_in("").empty());
}

}  // namespace
}  // namespace bh::machine
