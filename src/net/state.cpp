#include "net/state.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "net/address_pool.h"
#include "net/names.h"

namespace bh::net {

namespace {

// IFNAMSIZ, with its NUL.
constexpr std::size_t kDeviceBytes = 16;

Result<> check_domain(Network const& network, EgressRule const& rule) {
  auto const refuse = [&](std::string_view why) {
    return fail(Errc::Invalid, fmt::format("rule for {}: {}", rule.target(), why));
  };
  if (rule.verdict == Verdict::Deny) {
    return refuse(
        "a domain cannot be denied, because its addresses need no name; deny all "
        "(egress \"deny\") and allow what is needed");
  }
  if (network.egress != Verdict::Deny) {
    return refuse("a domain is allowed in a network that lets out nothing else (egress \"deny\")");
  }
  if (!network.names) return refuse("needs the network's own name server (\"names\": true)");
  if (is_in_domain(rule.domain()->name, network.name)) {
    return refuse(fmt::format("names below {} are the network's own; rename it", network.name));
  }
  return {};
}

Result<> check_rule(Network const& network, EgressRule const& rule) {
  if (rule.port && !rule.protocol) {
    return fail(Errc::Invalid,
                fmt::format("rule for {} port {}: a port needs a protocol, tcp or udp",
                            to_string(rule.to), *rule.port));
  }
  return rule.domain() == nullptr ? Result<>() : check_domain(network, rule);
}

Result<> check_name_sets(Network const& network) {
  std::map<std::string, DomainPattern> sets;
  for (auto const& rule : network.rules) {
    auto const* const domain = rule.domain();
    if (domain == nullptr) continue;
    auto const [there, fresh] = sets.emplace(name_set(network.name, *domain), *domain);
    if (fresh || there->second == *domain) continue;
    return fail(Errc::Exists, fmt::format("{} and {} would have one set of addresses; take one "
                                          "into another network",
                                          there->second.text(), domain->text()));
  }
  return {};
}

Result<> check_network(Network const& network) {
  BH_TRY(check_name(network.name));
  if (network.subnet.length < kShortestNetwork || network.subnet.length > kLongestNetwork ||
      network.subnet.first.value >> 24 == 0 || network.subnet.first.is_loopback() ||
      network.subnet.first.value >> 28 >= 14) {
    return fail(Errc::Invalid,
                fmt::format("subnet {}: must be one of length {} to {} that "
                            "machines can have, such as 10.88.0.0/24",
                            network.subnet.text(), kShortestNetwork, kLongestNetwork));
  }
  for (auto const& rule : network.rules) BH_TRY(check_rule(network, rule));
  return check_name_sets(network);
}

Result<> check_attachment(State const& state, Attachment const& attachment) {
  BH_TRY(check_name(attachment.machine));
  auto const* const network = state.network(attachment.network);
  if (network == nullptr) {
    return fail(Errc::NotFound, fmt::format("network \"{}\" is not there", attachment.network));
  }
  if (!may_be_given(network->subnet, attachment.address)) {
    return fail(Errc::Invalid,
                fmt::format("address {} is none for machines of network {} ({})",
                            attachment.address.text(), network->name, network->subnet.text()));
  }
  for (auto const& rate : {attachment.rate_in, attachment.rate_out}) {
    if (!rate || (*rate >= kLowestRate && *rate <= kHighestRate)) continue;
    return fail(Errc::Invalid, fmt::format("rate {}: must be {} to {} bytes a second", *rate,
                                           kLowestRate, kHighestRate));
  }
  if ((attachment.mac.bytes[0] & 1) != 0) {
    return fail(Errc::Invalid, fmt::format("MAC address {} is a group's", attachment.mac.text()));
  }
  if (attachment.device.empty() || attachment.device.size() >= kDeviceBytes ||
      attachment.device.find_first_of("/ ") != std::string::npos) {
    return fail(Errc::Invalid, fmt::format("device \"{}\": must be 1 to {} bytes without / and "
                                           "blanks",
                                           attachment.device, kDeviceBytes - 1));
  }
  return {};
}

Result<> check_pair(Network const& one, Network const& other) {
  if (one.name == other.name) {
    return fail(Errc::Exists, fmt::format("network {} is there twice", one.name));
  }
  if (bridge_name(one.name) == bridge_name(other.name)) {
    return fail(Errc::Exists, fmt::format("networks {} and {} would have one device name; rename "
                                          "one of them",
                                          one.name, other.name));
  }
  if (!one.subnet.overlaps(other.subnet)) return {};
  return fail(Errc::Exists,
              fmt::format("{} of network {} overlaps {} of network {}", one.subnet.text(), one.name,
                          other.subnet.text(), other.name));
}

Result<> check_ports(Attachment const& one, Attachment const& other) {
  for (auto const& port : one.ports) {
    for (auto const& taken : other.ports) {
      if (&port == &taken || !collide(port, taken)) continue;
      return fail(Errc::Exists, fmt::format("port {} of machine {} is taken by {} of machine {}",
                                            port.text(), one.machine, taken.text(), other.machine));
    }
  }
  return {};
}

Result<> check_pair(Attachment const& one, Attachment const& other) {
  BH_TRY(check_ports(one, other));
  bool const same_card = link_name(one.id, one.network) == link_name(other.id, other.network);
  if (same_card || one.address == other.address || one.mac == other.mac) {
    return fail(Errc::Exists,
                fmt::format("machine {} in network {} and machine {} in network {} have the same "
                            "{}",
                            one.machine, one.network, other.machine, other.network,
                            same_card                      ? "card"
                            : one.address == other.address ? "address " + one.address.text()
                                                           : "MAC address " + one.mac.text()));
  }
  return {};
}

template <typename Values>
Result<> check_pairs(Values const& values) {
  for (auto one = values.begin(); one != values.end(); ++one) {
    for (auto other = values.begin(); other != one; ++other) BH_TRY(check_pair(*one, *other));
  }
  return {};
}

}  // namespace

Network const* State::network(std::string_view name) const {
  auto const found = std::ranges::find(networks, name, &Network::name);
  return found == networks.end() ? nullptr : &*found;
}

Attachment const* State::machine(std::string_view name) const {
  auto const found = std::ranges::find(attachments, name, &Attachment::machine);
  return found == attachments.end() ? nullptr : &*found;
}

Result<> check(State const& state) {
  for (auto const& network : state.networks) {
    auto good = check_network(network);
    if (!good)
      return std::unexpected(std::move(good).error().while_doing("network " + network.name));
  }
  BH_TRY(check_pairs(state.networks));
  for (auto const& attachment : state.attachments) {
    auto good = check_attachment(state, attachment);
    if (good) good = check_ports(attachment, attachment);
    if (good) continue;
    return std::unexpected(std::move(good).error().while_doing("machine " + attachment.machine));
  }
  return check_pairs(state.attachments);
}

}  // namespace bh::net
