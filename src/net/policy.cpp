#include "net/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "net/address_pool.h"
#include "net/names.h"

namespace bh::net {

namespace {

constexpr std::uint16_t kNamePort = 53;

constexpr Subnet subnet(unsigned a, unsigned b, unsigned c, unsigned length) {
  return {{a << 24 | b << 16 | c << 8}, length};
}

// IANA's registry of special addresses, but for those of documentation, which nobody has.
constexpr std::array kRangesWithoutNames{
    subnet(0, 0, 0, 8),    subnet(10, 0, 0, 8),     subnet(100, 64, 0, 10),
    subnet(127, 0, 0, 8),  subnet(169, 254, 0, 16), subnet(172, 16, 0, 12),
    subnet(192, 0, 0, 24), subnet(192, 168, 0, 16), subnet(198, 18, 0, 15),
    subnet(224, 0, 0, 3),
};

SideMatch bridge(Network const& network) {
  return {Side::Bridge, bridge_name(network.name)};
}

constexpr auto ours = [] { return SideMatch{Side::AnyBridge, {}}; };
constexpr auto elsewhere = [] { return SideMatch{Side::Elsewhere, {}}; };

void add_known_connections(std::vector<Rule>& rules) {
  rules.push_back({.name = "answers",
                   .why = "the connection was allowed when it began",
                   .action = Action::Accept,
                   .kind = Kind::Answers});
  rules.push_back({.name = "broken",
                   .why = "the packet belongs to no connection",
                   .action = Action::Drop,
                   .kind = Kind::Broken});
}

void add_published(std::vector<Rule>& rules, State const& state) {
  for (auto const& attachment : state.attachments) {
    for (auto const& port : attachment.ports) {
      rules.push_back({.name = fmt::format("in by {} of {}", port.text(), attachment.machine),
                       .why = "the port is published",
                       .in = elsewhere(),
                       .out = {Side::Bridge, bridge_name(attachment.network)},
                       .destination = Subnet{attachment.address, 32},
                       .protocol = port.protocol,
                       .port = port.machine_port,
                       .translated = true});
    }
  }
}

void add_egress(std::vector<Rule>& rules, Network const& network) {
  auto const action = [](Verdict verdict) {
    return verdict == Verdict::Allow ? Action::Accept : Action::Reject;
  };
  std::size_t number = 0;
  for (auto const& rule : network.rules) {
    Rule row{.name = fmt::format("egress {} of {}", ++number, network.name),
             .why = fmt::format("the network {} {}",
                                rule.verdict == Verdict::Allow ? "allows" : "denies",
                                to_string(rule.to)),
             .action = action(rule.verdict),
             .in = bridge(network),
             .protocol = rule.protocol,
             .port = rule.port};
    if (auto const* const domain = rule.domain()) {
      row.name_set = name_set(network.name, *domain);
    } else {
      row.destination = std::get<Subnet>(rule.to);
    }
    rules.push_back(std::move(row));
  }
  rules.push_back({.name = fmt::format("egress of {}", network.name),
                   .why = network.egress == Verdict::Allow
                              ? "the network lets out what no rule of it denies"
                              : "the network lets out only what a rule of it allows",
                   .action = action(network.egress),
                   .in = bridge(network)});
}

std::vector<Rule> forward_of(State const& state) {
  std::vector<Rule> rules;
  add_known_connections(rules);
  // Where the kernel shows bridged packets to this firewall, too (br_netfilter).
  for (auto const& network : state.networks) {
    rules.push_back({.name = fmt::format("within {}", network.name),
                     .why = "machines of one network reach each other",
                     .in = bridge(network),
                     .out = bridge(network)});
  }
  rules.push_back({.name = "between networks",
                   .why = "networks are closed to each other",
                   .action = Action::Reject,
                   .in = ours(),
                   .out = ours()});
  add_published(rules, state);
  rules.push_back({.name = "no way in",
                   .why = "machines are reached from outside by published ports only",
                   .action = Action::Drop,
                   .out = ours()});
  for (auto const& network : state.networks) add_egress(rules, network);
  rules.push_back({.name = "no network",
                   .why = "the network is not there any more",
                   .action = Action::Drop,
                   .in = ours()});
  return rules;
}

std::vector<Rule> input_of(State const& state) {
  std::vector<Rule> rules;
  add_known_connections(rules);
  for (auto const& network : state.networks) {
    Subnet const gateway{gateway_of(network.subnet), 32};
    rules.push_back({.name = fmt::format("echo of {}", network.name),
                     .why = "the gateway answers echo requests",
                     .kind = Kind::Echo,
                     .in = bridge(network),
                     .destination = gateway});
    if (!network.names) continue;
    for (auto const protocol : {Protocol::Udp, Protocol::Tcp}) {
      rules.push_back({.name = fmt::format("names of {} ({})", network.name, to_string(protocol)),
                       .why = "the gateway is the network's name server",
                       .in = bridge(network),
                       .destination = gateway,
                       .protocol = protocol,
                       .port = kNamePort});
    }
  }
  rules.push_back({.name = "host is closed",
                   .why = "machines do not reach what listens on their host",
                   .action = Action::Reject,
                   .in = ours()});
  return rules;
}

bool matches(SideMatch const& match, std::string const& device) {
  switch (match.side) {
    case Side::Any: return true;
    case Side::Bridge: return device == match.bridge;
    case Side::AnyBridge: return !device.empty();
    case Side::Elsewhere: return device.empty();
  }
  return false;
}

bool has(NameSets const& sets, std::string const& name, Ipv4Address address) {
  auto const set = sets.find(name);
  return set != sets.end() && set->second.contains(address) &&
         std::ranges::none_of(kRangesWithoutNames,
                              [&](Subnet const& one) { return one.contains(address); });
}

bool matches(Rule const& rule, Flow const& flow, NameSets const& sets) {
  return rule.kind == Kind::New && matches(rule.in, flow.in) && matches(rule.out, flow.out) &&
         (!rule.destination || rule.destination->contains(flow.destination)) &&
         (rule.name_set.empty() || has(sets, rule.name_set, flow.destination)) &&
         (!rule.protocol || *rule.protocol == flow.protocol) &&
         (!rule.port || *rule.port == flow.port) && (!rule.translated || flow.translated);
}

}  // namespace

std::span<Subnet const> ranges_without_names() {
  return kRangesWithoutNames;
}

Policy policy_of(State const& state) {
  Policy policy{.forward = forward_of(state), .input = input_of(state), .translations = {}};
  for (auto const& attachment : state.attachments) {
    for (auto const& port : attachment.ports) {
      policy.translations.push_back(
          {.name = fmt::format("published {} of {}", port.text(), attachment.machine),
           .why = "the port is published",
           .port = port,
           .machine = attachment.address});
    }
  }
  return policy;
}

Rule const* first_match(std::vector<Rule> const& rules, Flow const& flow, NameSets const& sets) {
  for (auto const& rule : rules) {
    if (matches(rule, flow, sets)) return &rule;
  }
  return nullptr;
}

}  // namespace bh::net
