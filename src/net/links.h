#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "os/netlink.h"
#include "os/unique_fd.h"

namespace bh::net {

/// A network device.
struct Link {
  int index = 0;
  std::string name;
  int bridge = 0;  // The index of the bridge it is a port of; 0: of none.
  MacAddress mac;
  bool forwards = false;  // As a port of its bridge.
  std::string words;      // See describe().
};

struct Route {
  Subnet to;
  int device = 0;
};

/// An address of a device, with the length of the subnet it is in.
struct LinkAddress {
  Ipv4Address address;
  unsigned length = 32;

  friend bool operator==(LinkAddress const&, LinkAddress const&) = default;
};

/// Devices, addresses and routes of one network namespace. What is there already is left, so that
/// everything can be done twice.
class Links {
 public:
  static Result<Links> open();
  static Result<Links> open_in(os::UniqueFd const& name_space);

  Result<std::vector<Link>> all();
  Result<std::optional<Link>> find(std::string const& name);
  Result<std::vector<LinkAddress>> addresses(Link const& link);
  /// Of all devices.
  Result<std::vector<Ipv4Address>> addresses();
  /// Of the main table.
  Result<std::vector<Route>> routes();

  Result<> add_bridge(std::string const& name, MacAddress const& mac);
  /// A pair of devices: `name` here and `peer` in `name_space`.
  Result<> add_pair(std::string const& name, std::string const& peer, MacAddress const& peer_mac,
                    os::UniqueFd const& name_space);
  Result<> remove(Link const& link);
  Result<> join_bridge(Link const& link, int bridge);
  /// What `ip link` shows beside the name.
  Result<> describe(Link const& link, std::string const& words);
  Result<> set_up(Link const& link);
  Result<> add_address(Link const& link, LinkAddress const& address);
  Result<> set_way_out(Link const& link, Ipv4Address gateway);

 private:
  explicit Links(os::NetlinkSocket socket) : socket_(std::move(socket)) {}

  Result<> each_address(std::function<void(int device, LinkAddress const&)> const& take);
  Result<> change(std::string const& what, os::NetlinkRequest const& request);

  os::NetlinkSocket socket_;
};

/// A tap that stays without a program at it, in this process's network namespace.
Result<> add_tap(std::string const& name);

}  // namespace bh::net
