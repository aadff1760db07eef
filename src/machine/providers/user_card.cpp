#include "machine/providers/user_card.h"

#include <boost/json/array.hpp>
#include <utility>

namespace bh::machine {

namespace {

// Of libslirp's network 10.0.2.0/24, as UserNetwork makes it.
constexpr net::Ipv4Address kGateway{0x0a00'0202};
constexpr net::Ipv4Address kNameServer{0x0a00'0203};
constexpr net::Ipv4Address kOwn{0x0a00'020f};
constexpr unsigned kLength = 24;

}  // namespace

bool has_user_card(NetworkKind network, std::vector<net::PublishedPort> const& ports) {
  return network == NetworkKind::User || !ports.empty();
}

boost::json::object user_card(NetworkKind network, std::vector<net::PublishedPort> const& ports) {
  boost::json::array forwards;
  for (auto const& port : ports) {
    forwards.push_back({{"protocol", net::to_string(port.protocol)},
                        {"host_address", port.host_address.text()},
                        {"host_port", port.host_port},
                        {"guest_port", port.machine_port}});
  }
  return {{"iface_id", "eth0"},
          {"host_dev_name", ""},
          {"backend", "User"},
          {"restricted", network == NetworkKind::None},
          {"port_forwards", std::move(forwards)}};
}

Wiring user_wiring(NetworkKind network) {
  // The gateway also where nothing leaves: who comes in by a published port has an answer.
  Wiring wiring{.cards = {{.link = {}, .mac = {}, .address = {kOwn, kLength}}},
                .gateway = kGateway,
                .name_servers = {},
                .name_space = {}};
  if (network == NetworkKind::User) wiring.name_servers.push_back(kNameServer.text());
  return wiring;
}

}  // namespace bh::machine
