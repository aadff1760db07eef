#include "net/state_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>

#include "net/names.h"

namespace bh::net {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

// A host with more machines than this has other limits first.
constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::size_t kMostEntries = 65536;
constexpr std::size_t kMostDepth = 8;

/// An object of the document with its place in it, for errors.
class Node {
 public:
  static Result<Node> of(value const& json, std::string path) {
    auto const* const members = json.if_object();
    if (members == nullptr) return fail(Errc::Invalid, path + ": must be an object");
    return Node(*members, std::move(path));
  }

  Result<> only(std::initializer_list<std::string_view> names) const {
    for (auto const& [name, unused] : members_) {
      if (std::ranges::find(names, std::string_view(name)) != names.end()) continue;
      return fail(Errc::Invalid, fmt::format("{}: \"{}\" is not known; there are {}", path_,
                                             std::string_view(name), fmt::join(names, ", ")));
    }
    return {};
  }

  /// Absent: empty.
  Result<std::string> text(std::string_view name) const {
    auto const* const member = members_.if_contains(name);
    if (member == nullptr) return std::string();
    auto const* const string = member->if_string();
    if (string == nullptr) return fail(Errc::Invalid, place(name) + ": must be a string");
    std::string text(*string);
    // It may become a path or a device name.
    if (text.find('\0') != text.npos) return fail(Errc::Invalid, place(name) + ": has a zero byte");
    return text;
  }

  Result<std::span<value const>> list(std::string_view name) const {
    auto const* const member = members_.if_contains(name);
    if (member == nullptr) return std::span<value const>();
    auto const* const elements = member->if_array();
    if (elements == nullptr) return fail(Errc::Invalid, place(name) + ": must be an array");
    if (elements->size() > kMostEntries) {
      return fail(Errc::Invalid,
                  fmt::format("{}: more than {} entries", place(name), kMostEntries));
    }
    return std::span<value const>(elements->data(), elements->size());
  }

  Result<bool> flag(std::string_view name) const {
    auto const* const member = members_.if_contains(name);
    if (member == nullptr) return false;
    if (!member->is_bool()) return fail(Errc::Invalid, place(name) + ": must be true or false");
    return member->get_bool();
  }

  /// Of a member that must be there.
  Result<std::uint64_t> number(std::string_view name, std::uint64_t least,
                               std::uint64_t most) const {
    auto const* const member = members_.if_contains(name);
    auto const* const given = member == nullptr ? nullptr : member->if_int64();
    if (given != nullptr && *given >= 0) {
      auto const value = static_cast<std::uint64_t>(*given);
      if (value >= least && value <= most) return value;
    }
    return fail(Errc::Invalid,
                fmt::format("{}: must be a number from {} to {}", place(name), least, most));
  }

  /// What `parse` makes of a text that must be there.
  template <typename Parse>
  auto parsed(std::string_view name, Parse parse) const -> decltype(parse(std::string_view())) {
    auto const given = BH_TRY(text(name));
    auto made = parse(std::string_view(given));
    if (!made) return std::unexpected(std::move(made).error().while_doing(place(name)));
    return made;
  }

  bool has(std::string_view name) const { return members_.contains(name); }
  std::string place(std::string_view name) const { return fmt::format("{}.{}", path_, name); }
  std::string place(std::string_view name, std::size_t index) const {
    return fmt::format("{}.{}[{}]", path_, name, index);
  }

 private:
  Node(object const& members, std::string path) : members_(members), path_(std::move(path)) {}

  object const& members_;
  std::string path_;
};

Result<EgressRule> rule_of(Node const& node) {
  BH_TRY(node.only({"verdict", "to", "protocol", "port"}));
  EgressRule rule;
  rule.verdict = BH_TRY(node.parsed("verdict", parse_verdict));
  rule.to = BH_TRY(node.parsed("to", parse_egress_target));
  if (node.has("protocol")) rule.protocol = BH_TRY(node.parsed("protocol", parse_protocol));
  if (node.has("port")) {
    constexpr std::uint64_t kMost = 65535;
    auto const port = BH_TRY(node.number("port", 1, kMost));
    rule.port = static_cast<std::uint16_t>(port);
  }
  return rule;
}

Result<Network> network_of(Node const& node) {
  BH_TRY(node.only({"name", "subnet", "egress", "rules", "names"}));
  Network network;
  network.name = BH_TRY(node.text("name"));
  network.subnet = BH_TRY(node.parsed("subnet", Subnet::parse));
  if (node.has("egress")) network.egress = BH_TRY(node.parsed("egress", parse_verdict));
  network.names = BH_TRY(node.flag("names"));
  auto const rules = BH_TRY(node.list("rules"));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto const child = BH_TRY(Node::of(rules[i], node.place("rules", i)));
    auto rule = BH_TRY(rule_of(child));
    network.rules.push_back(std::move(rule));
  }
  return network;
}

Result<Attachment> attachment_of(Node const& node) {
  BH_TRY(node.only({"machine", "network", "address", "mac", "namespace", "device", "ports",
                    "rate_in", "rate_out"}));
  Attachment attachment;
  attachment.machine = BH_TRY(node.text("machine"));
  attachment.id = attachment.machine;
  attachment.network = BH_TRY(node.text("network"));
  attachment.address = BH_TRY(node.parsed("address", Ipv4Address::parse));
  attachment.mac = mac_of(attachment.machine + "/" + attachment.network);
  if (node.has("mac")) attachment.mac = BH_TRY(node.parsed("mac", MacAddress::parse));
  attachment.name_space = BH_TRY(node.text("namespace"));
  if (node.has("device")) attachment.device = BH_TRY(node.text("device"));
  if (node.has("rate_in")) {
    attachment.rate_in = BH_TRY(node.number("rate_in", kLowestRate, kHighestRate));
  }
  if (node.has("rate_out")) {
    attachment.rate_out = BH_TRY(node.number("rate_out", kLowestRate, kHighestRate));
  }
  auto const ports = BH_TRY(node.list("ports"));
  for (std::size_t i = 0; i < ports.size(); ++i) {
    auto const* const text = ports[i].if_string();
    auto const port = text == nullptr ? fail(Errc::Invalid, "must be a string")
                                      : PublishedPort::parse(std::string_view(*text));
    if (!port) return std::unexpected(Error(port.error()).while_doing(node.place("ports", i)));
    attachment.ports.push_back(*port);
  }
  return attachment;
}

object json_of(Attachment const& attachment) {
  object json{{"machine", attachment.machine},
              {"network", attachment.network},
              {"address", attachment.address.text()},
              {"mac", attachment.mac.text()}};
  if (!attachment.name_space.empty()) json["namespace"] = attachment.name_space;
  if (attachment.device != Attachment().device) json["device"] = attachment.device;
  array ports;
  for (auto const& port : attachment.ports) ports.emplace_back(port.text());
  if (!ports.empty()) json["ports"] = std::move(ports);
  if (attachment.rate_in) json["rate_in"] = *attachment.rate_in;
  if (attachment.rate_out) json["rate_out"] = *attachment.rate_out;
  return json;
}

Result<value> parse_document(std::string_view text, std::string_view what) {
  if (text.size() > kMostBytes) {
    return fail(Errc::Invalid, fmt::format("{}: more than {} bytes", what, kMostBytes));
  }
  boost::json::parse_options options;
  options.max_depth = kMostDepth;
  boost::system::error_code error;
  auto json = boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return fail(Errc::Invalid, fmt::format("{}: no JSON: {}", what, error.message()));
  return json;
}

}  // namespace

object json_of(Network const& network) {
  array rules;
  for (auto const& rule : network.rules) {
    object json{{"verdict", to_string(rule.verdict)}, {"to", to_string(rule.to)}};
    if (rule.protocol) json["protocol"] = to_string(*rule.protocol);
    if (rule.port) json["port"] = *rule.port;
    rules.push_back(std::move(json));
  }
  object json{{"name", network.name},
              {"subnet", network.subnet.text()},
              {"egress", to_string(network.egress)}};
  if (!rules.empty()) json["rules"] = std::move(rules);
  if (network.names) json["names"] = true;
  return json;
}

object json_of(State const& state) {
  array networks;
  for (auto const& network : state.networks) networks.push_back(json_of(network));
  array attachments;
  for (auto const& attachment : state.attachments) attachments.push_back(json_of(attachment));
  return {{"networks", std::move(networks)}, {"attachments", std::move(attachments)}};
}

Result<Network> parse_network(std::string_view text) {
  auto const json = BH_TRY(parse_document(text, "network"));
  auto const root = BH_TRY(Node::of(json, "network"));
  auto network = BH_TRY(network_of(root));
  BH_TRY(check({.networks = {network}, .attachments = {}}));
  return network;
}

Result<State> parse_state(std::string_view text) {
  auto const json = BH_TRY(parse_document(text, "state"));
  auto const root = BH_TRY(Node::of(json, "state"));
  BH_TRY(root.only({"networks", "attachments"}));
  State state;
  auto const networks = BH_TRY(root.list("networks"));
  for (std::size_t i = 0; i < networks.size(); ++i) {
    auto const node = BH_TRY(Node::of(networks[i], root.place("networks", i)));
    auto network = BH_TRY(network_of(node));
    state.networks.push_back(std::move(network));
  }
  auto const attachments = BH_TRY(root.list("attachments"));
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    auto const node = BH_TRY(Node::of(attachments[i], root.place("attachments", i)));
    auto attachment = BH_TRY(attachment_of(node));
    state.attachments.push_back(std::move(attachment));
  }
  BH_TRY(check(state));
  return state;
}

}  // namespace bh::net
