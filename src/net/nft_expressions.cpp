#include "net/nft_expressions.h"

#include <string>

namespace bh::net::nft {

namespace {

value subnet_value(Subnet const& subnet) {
  if (subnet.length == 32) return value(subnet.first.text());
  return object{{"prefix", object{{"addr", subnet.first.text()}, {"len", subnet.length}}}};
}

}  // namespace

object match(object left, value right, std::string_view operation) {
  return {
      {"match", object{{"op", operation}, {"left", std::move(left)}, {"right", std::move(right)}}}};
}

object meta(std::string_view key) {
  return {{"meta", object{{"key", key}}}};
}

object field(std::string_view protocol, std::string_view name) {
  return {{"payload", object{{"protocol", protocol}, {"field", name}}}};
}

object in_device(std::string_view name) {
  return match(meta("iifname"), value(name));
}

object out_device(std::string_view name) {
  return match(meta("oifname"), value(name));
}

object in_devices(std::string_view prefix, std::string_view operation) {
  return match(meta("iifname"), value(std::string(prefix) + "*"), operation);
}

object out_devices(std::string_view prefix, std::string_view operation) {
  return match(meta("oifname"), value(std::string(prefix) + "*"), operation);
}

object source(Subnet const& subnet) {
  return match(field("ip", "saddr"), subnet_value(subnet));
}

object destination(Subnet const& subnet) {
  // All of IPv4 is no prefix that nft takes.
  if (subnet.length == 0) return match(meta("nfproto"), value("ipv4"));
  return match(field("ip", "daddr"), subnet_value(subnet));
}

object destination_in(std::string_view set) {
  return match(field("ip", "daddr"), value("@" + std::string(set)));
}

object destination_outside(std::span<Subnet const> ranges) {
  array list;
  for (auto const& one : ranges) list.push_back(subnet_value(one));
  return match(field("ip", "daddr"), object{{"set", std::move(list)}}, "!=");
}

object port(Protocol protocol, std::uint16_t number) {
  return match(field(to_string(protocol), "dport"), value(number));
}

object of_protocol(Protocol protocol) {
  return match(meta("l4proto"), value(to_string(protocol)));
}

object echo_request() {
  return match(field("icmp", "type"), value("echo-request"));
}

object connection_state(std::initializer_list<std::string_view> states) {
  array names;
  for (auto const name : states) names.emplace_back(name);
  return match({{"ct", object{{"key", "state"}}}}, std::move(names), "in");
}

object connection_translated() {
  return match({{"ct", object{{"key", "status"}}}}, value("dnat"), "in");
}

object destination_is_host() {
  return match({{"fib", object{{"result", "type"}, {"flags", array{"daddr"}}}}}, value("local"));
}

object faster_than(std::uint64_t bytes) {
  // The kernel lets a second's worth through at once, and this: a packet of segments that have yet
  // to be cut has 64 KiB.
  constexpr std::uint64_t kBurst = std::uint64_t{128} << 10;
  return {{"limit", object{{"rate", bytes},
                           {"per", "second"},
                           {"rate_unit", "bytes"},
                           {"burst", kBurst},
                           {"burst_unit", "bytes"},
                           {"inv", true}}}};
}

object counter() {
  return {{"counter", object{{"packets", 0}, {"bytes", 0}}}};
}

object verdict(std::string_view name) {
  return {{name, nullptr}};
}

object reject() {
  return {{"reject", object{{"type", "icmpx"}, {"expr", "admin-prohibited"}}}};
}

object go_to(std::string_view chain) {
  return {{"goto", object{{"target", chain}}}};
}

object translate_to(Ipv4Address address, std::uint16_t port) {
  return {{"dnat", object{{"family", "ip"}, {"addr", address.text()}, {"port", port}}}};
}

}  // namespace bh::net::nft
