#include "net/host_name_servers.h"

#include <gtest/gtest.h>

namespace bh::net {
namespace {

constexpr char kText[] =
    "# nameserver 192.0.2.9\n"
    "search example.org\n"
    "nameserver 127.0.0.53\n"
    "nameserver\t192.0.2.1 \n"
    "nameserver 2001:db8::1\n"
    "nameserver fe80::1%eth0\n"
    "nameserver dns.example.org\n"
    "nameserver 1.2.3.4/x\n"
    "nameservers 192.0.2.8\n"
    "nameserver\n"
    "nameserver 192.0.2.2";

TEST(HostNameServers, AreThoseWithAnAddress) {
  EXPECT_EQ(name_servers_in(kText),
            (std::vector<std::string>{"127.0.0.53", "192.0.2.1", "2001:db8::1", "fe80::1%eth0",
                                      "192.0.2.2"}));
  EXPECT_TRUE(name_servers_in("").empty());
}

TEST(HostNameServers, OfMachinesAreThoseThatAMachineCanAsk) {
  EXPECT_EQ(name_servers_for_machines(name_servers_in(kText)),
            (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
}

}  // namespace
}  // namespace bh::net
