#include "net/ruleset.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "net/names.h"
#include "net/nft_expressions.h"
#include "net/policy.h"

namespace bh::net {

namespace {

using boost::json::array;
using boost::json::object;

constexpr Subnet kLoopbackNetwork{{0x7f00'0000}, 8};

// linux/netfilter_ipv4.h and linux/netfilter_bridge.h: the places of the hooks among others.
constexpr int kRaw = -300;
constexpr int kDestination = -100;
constexpr int kFilter = 0;
constexpr int kSource = 100;
constexpr int kBridgeFilter = -200;

// How long an address is open after a machine was told of it. Being told again does not prolong it,
// so that it is much longer than who was told may remember it (name_server.cpp).
constexpr std::uint64_t kNameSeconds = 3600;
// Who owns a name decides how many addresses it has.
constexpr std::uint64_t kMostAddresses = 65536;

struct Hook {
  std::string_view type;
  std::string_view name;
  int priority;
};

/// One table of a transaction that is being written.
class Table {
 public:
  Table(array& commands, std::string_view family) : commands_(commands), family_(family) {}

  /// Makes it, empty, whether it was there or not.
  void replace() {
    remove();
    add("table", {{"family", family_}, {"name", kTable}});
  }
  /// Makes it without rules; what is in its sets stays.
  void rewrite() {
    object const table{{"family", family_}, {"name", kTable}};
    add("table", table);
    commands_.push_back(object{{"flush", object{{"table", table}}}});
  }
  void remove() {
    add("table", {{"family", family_}, {"name", kTable}});
    commands_.push_back(
        object{{"delete", object{{"table", object{{"family", family_}, {"name", kTable}}}}}});
  }
  void remove_set(std::string_view name) {
    object set{{"family", family_}, {"table", kTable}, {"name", name}};
    commands_.push_back(object{{"delete", object{{"set", std::move(set)}}}});
  }
  void chain(std::string_view name) {
    add("chain", {{"family", family_}, {"table", kTable}, {"name", name}});
  }
  /// What no rule decides is not ours, and goes on.
  void chain(std::string_view name, Hook const& hook) {
    add("chain", {{"family", family_},
                  {"table", kTable},
                  {"name", name},
                  {"type", hook.type},
                  {"hook", hook.name},
                  {"prio", hook.priority},
                  {"policy", "accept"}});
  }
  void rule(std::string_view chain, array expressions, std::string_view comment = {}) {
    object rule{
        {"family", family_}, {"table", kTable}, {"chain", chain}, {"expr", std::move(expressions)}};
    if (!comment.empty()) rule["comment"] = comment;
    add("rule", std::move(rule));
  }
  void name_set(std::string_view name) {
    add("set", {{"family", family_},
                {"table", kTable},
                {"name", name},
                {"type", "ipv4_addr"},
                {"flags", array{"timeout"}},
                {"timeout", kNameSeconds},
                {"size", kMostAddresses}});
  }
  void owners(array elements) {
    object set{{"family", family_},
               {"table", kTable},
               {"name", "owners"},
               {"type", array{"ifname", "ether_addr", "ipv4_addr"}}};
    if (!elements.empty()) set["elem"] = std::move(elements);
    add("set", std::move(set));
  }

 private:
  void add(std::string_view kind, object what) {
    commands_.push_back(object{{"add", object{{kind, std::move(what)}}}});
  }

  array& commands_;
  std::string_view family_;
};

void put_side(array& expressions, SideMatch const& match, std::string_view key) {
  auto const device = nft::meta(key);
  switch (match.side) {
    case Side::Any: return;
    case Side::Bridge: expressions.push_back(nft::match(device, match.bridge.c_str())); return;
    case Side::AnyBridge:
    case Side::Elsewhere:
      expressions.push_back(nft::match(device, (std::string(kBridgePrefix) + "*").c_str(),
                                       match.side == Side::AnyBridge ? "==" : "!="));
  }
}

array expressions_of(Rule const& rule) {
  array expressions;
  put_side(expressions, rule.in, "iifname");
  put_side(expressions, rule.out, "oifname");
  if (rule.kind == Kind::Answers) {
    expressions.push_back(nft::connection_state({"established", "related"}));
  }
  if (rule.kind == Kind::Broken) expressions.push_back(nft::connection_state({"invalid"}));
  if (rule.kind == Kind::Echo) expressions.push_back(nft::echo_request());
  if (rule.destination) expressions.push_back(nft::destination(*rule.destination));
  if (!rule.name_set.empty()) {
    expressions.push_back(nft::destination_in(rule.name_set));
    expressions.push_back(nft::destination_outside(ranges_without_names()));
  }
  if (rule.protocol && rule.port) {
    expressions.push_back(nft::port(*rule.protocol, *rule.port));
  } else if (rule.protocol) {
    expressions.push_back(nft::of_protocol(*rule.protocol));
  }
  if (rule.translated) expressions.push_back(nft::connection_translated());
  expressions.push_back(nft::counter());
  switch (rule.action) {
    case Action::Accept: expressions.push_back(nft::verdict("accept")); break;
    case Action::Drop: expressions.push_back(nft::verdict("drop")); break;
    case Action::Reject: expressions.push_back(nft::reject());
  }
  return expressions;
}

void put_filter(Table& table, Policy const& policy) {
  for (auto const& rule : policy.forward) {
    if (!rule.name_set.empty()) table.name_set(rule.name_set);
  }
  table.chain("through");
  for (auto const& rule : policy.forward) table.rule("through", expressions_of(rule), rule.name);
  table.chain("to_host");
  for (auto const& rule : policy.input) table.rule("to_host", expressions_of(rule), rule.name);
  table.chain("forward", {"filter", "forward", kFilter});
  table.rule("forward", {nft::in_devices(kBridgePrefix), nft::go_to("through")});
  table.rule("forward", {nft::out_devices(kBridgePrefix), nft::go_to("through")});
  table.chain("input", {"filter", "input", kFilter});
  table.rule("input", {nft::in_devices(kBridgePrefix), nft::go_to("to_host")});
  table.chain("output", {"filter", "output", kFilter});
  table.rule("output",
             {nft::out_devices(kBridgePrefix), nft::connection_state({"new"}), nft::counter(),
              nft::verdict("accept")},
             kFromHostRule);
  // Ports published on 127.0.0.1 need route_localnet (apply.cpp), which lets that address in from
  // a wire. Here, before answers are translated back to it, nobody means it well.
  table.chain("early", {"filter", "prerouting", kRaw});
  table.rule("early",
             {nft::in_devices(kBridgePrefix), nft::destination(kLoopbackNetwork), nft::counter(),
              nft::verdict("drop")},
             kHostLoopbackRule);
}

void put_translation(Table& table, Policy const& policy, State const& state) {
  table.chain("arriving", {"nat", "prerouting", kDestination});
  table.chain("leaving", {"nat", "output", kDestination});
  for (auto const& one : policy.translations) {
    array expressions;
    expressions.push_back(one.port.host_address == kAnyAddress
                              ? nft::destination_is_host()
                              : nft::destination({one.port.host_address, 32}));
    expressions.push_back(nft::port(one.port.protocol, one.port.host_port));
    expressions.push_back(nft::counter());
    expressions.push_back(nft::translate_to(one.machine, one.port.machine_port));
    table.rule("leaving", expressions, one.name);
    if (one.port.host_address.is_loopback()) continue;
    // Machines use the addresses of their network.
    expressions.insert(expressions.begin(), nft::in_devices(kBridgePrefix, "!="));
    table.rule("arriving", std::move(expressions), one.name);
  }
  table.chain("source", {"nat", "postrouting", kSource});
  table.rule("source", {nft::out_devices(kBridgePrefix), nft::source(kLoopbackNetwork),
                        nft::verdict("masquerade")});
  for (auto const& network : state.networks) {
    table.rule("source", {nft::source(network.subnet), nft::out_devices(kBridgePrefix, "!="),
                          nft::verdict("masquerade")});
  }
}

boost::json::value owner(object first, object second, object third) {
  return object{{"concat", array{std::move(first), std::move(second), std::move(third)}}};
}

/// A machine sends from its own card with its own addresses, in IPv4 and ARP and nothing else.
void put_bridge(Table& table, State const& state) {
  array owners;
  for (auto const& attachment : state.attachments) {
    owners.push_back(object{
        {"concat", array{link_name(attachment.id, attachment.network).c_str(),
                         attachment.mac.text().c_str(), attachment.address.text().c_str()}}});
  }
  table.owners(std::move(owners));
  auto const card = nft::meta("iifname");
  auto const mac = nft::field("ether", "saddr");
  auto const allowed = [](boost::json::value who) {
    return nft::match(who.get_object(), "@owners");
  };
  table.chain("from_machine");
  table.chain("postrouting", {"filter", "postrouting", kBridgeFilter});
  for (auto const& one : state.attachments) {
    auto const link = link_name(one.id, one.network);
    if (one.rate_out) {
      table.rule("from_machine",
                 {nft::in_device(link), nft::faster_than(*one.rate_out), nft::counter(),
                  nft::verdict("drop")},
                 fmt::format("rate out of {} in {}", one.machine, one.network));
    }
    if (one.rate_in) {
      table.rule("postrouting",
                 {nft::out_device(link), nft::faster_than(*one.rate_in), nft::counter(),
                  nft::verdict("drop")},
                 fmt::format("rate into {} in {}", one.machine, one.network));
    }
  }
  table.rule("from_machine",
             {allowed(owner(card, mac, nft::field("ip", "saddr"))), nft::verdict("accept")});
  table.rule("from_machine",
             {allowed(owner(card, mac, nft::field("arp", "saddr ip"))),
              allowed(owner(card, nft::field("arp", "saddr ether"), nft::field("arp", "saddr ip"))),
              nft::verdict("accept")});
  table.rule("from_machine", {nft::counter(), nft::verdict("drop")}, kSpoofedRule);
  table.chain("prerouting", {"filter", "prerouting", kBridgeFilter});
  table.rule("prerouting", {nft::in_devices(kLinkPrefix), nft::go_to("from_machine")});
  table.chain("forward", {"filter", "forward", kBridgeFilter});
  table.rule("forward",
             {nft::in_devices(kLinkPrefix), nft::out_devices(kLinkPrefix), nft::counter(),
              nft::verdict("accept")},
             kSameNetworkRule);
}

}  // namespace

object ruleset_of(State const& state) {
  auto const policy = policy_of(state);
  array commands;
  Table inet(commands, "inet");
  inet.rewrite();
  put_filter(inet, policy);
  put_translation(inet, policy, state);
  Table bridge(commands, "bridge");
  bridge.replace();
  put_bridge(bridge, state);
  return {{"nftables", std::move(commands)}};
}

object without_sets(std::span<std::string const> names) {
  array commands;
  Table inet(commands, "inet");
  for (auto const& name : names) inet.remove_set(name);
  return {{"nftables", std::move(commands)}};
}

object empty_ruleset() {
  array commands;
  Table(commands, "inet").remove();
  Table(commands, "bridge").remove();
  return {{"nftables", std::move(commands)}};
}

}  // namespace bh::net
