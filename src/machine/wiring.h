#pragma once

#include <string>
#include <vector>

#include "net/address.h"
#include "net/links.h"

namespace bh::machine {

/// A machine's cards in managed networks, as it finds them when it starts.
struct Wiring {
  struct Card {
    std::string link;  // The host's end.
    net::MacAddress mac;
    net::LinkAddress address;
  };
  std::vector<Card> cards;  // The machine's eth0, eth1 and so on.
  net::Ipv4Address gateway;
  std::vector<std::string> name_servers;
  /// The network namespace that has the cards, as a path; empty: they are taps.
  std::string name_space;
};

/// hosts(5) and resolv.conf(5) of a machine with cards.
std::string hosts_text(Wiring const& wiring, std::string const& host_name);
std::string resolver_text(Wiring const& wiring);

}  // namespace bh::machine
