#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/egress_rule.h"
#include "net/published_port.h"

namespace bh::net {

struct Network {
  std::string name;
  Subnet subnet;  // The first address that can be given is the host's.
  /// The first rule that matches decides, else `egress`. Rules about domains need a network that
  /// lets out nothing else, and that has `names`.
  std::vector<EgressRule> rules;
  Verdict egress = Verdict::Allow;
  /// Whether the gateway is a name server that knows the network's machines.
  bool names = false;

  friend bool operator==(Network const&, Network const&) = default;
};

/// Limits of rates, in bytes a second: one packet every so often to more than there is.
inline constexpr std::uint64_t kLowestRate = 10'000;
inline constexpr std::uint64_t kHighestRate = 100'000'000'000;

/// A machine's card in a network.
struct Attachment {
  std::string machine;
  std::string id;  // What its devices are named by, which stays when its machine is renamed.
  std::string network;
  Ipv4Address address;
  MacAddress mac;
  /// A file that is a network namespace: the card is a device in there. Empty: a tap on the host.
  std::string name_space;
  std::string device = "eth0";  // The card's name in the namespace.
  std::vector<PublishedPort> ports;
  /// The most that the machine may receive and send, in bytes a second; what is more is dropped.
  std::optional<std::uint64_t> rate_in;
  std::optional<std::uint64_t> rate_out;

  friend bool operator==(Attachment const&, Attachment const&) = default;
};

/// All managed networks of a host as they shall be: a value that everything else is computed from.
/// Of a machine's attachments the first has its way out.
struct State {
  std::vector<Network> networks;
  std::vector<Attachment> attachments;

  Network const* network(std::string_view name) const;
  Attachment const* machine(std::string_view name) const;

  friend bool operator==(State const&, State const&) = default;
};

/// Names, addresses and ports that collide, or that are out of place. Errc::Invalid, or
/// Errc::Exists for what is there twice; the words say which.
Result<> check(State const& state);

}  // namespace bh::net
