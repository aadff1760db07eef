#include "net/egress_rule.h"

#include <fmt/format.h>

namespace bh::net {

namespace {

Result<EgressRule> parse_parts(std::string_view text) {
  EgressRule rule;
  for (auto const protocol : {Protocol::Tcp, Protocol::Udp}) {
    auto const ending = fmt::format("/{}", to_string(protocol));
    if (!text.ends_with(ending)) continue;
    rule.protocol = protocol;
    text.remove_suffix(ending.size());
    break;
  }
  auto const colon = text.find(':');
  if (colon != text.npos) {
    rule.port = BH_TRY(parse_port(text.substr(colon + 1)));
    if (!rule.protocol) rule.protocol = Protocol::Tcp;
  }
  rule.to = BH_TRY(parse_egress_target(text.substr(0, colon)));
  return rule;
}

}  // namespace

Result<Verdict> parse_verdict(std::string_view text) {
  if (text == "allow") return Verdict::Allow;
  if (text == "deny") return Verdict::Deny;
  return fail(Errc::Invalid, fmt::format("\"{}\": must be allow or deny", text));
}

std::string_view to_string(Verdict verdict) {
  return verdict == Verdict::Allow ? "allow" : "deny";
}

Result<EgressTarget> parse_egress_target(std::string_view text) {
  if (text.find_first_not_of("0123456789./") == text.npos) return Subnet::parse(text);
  return DomainPattern::parse(text);
}

std::string to_string(EgressTarget const& target) {
  return std::visit([](auto const& one) { return one.text(); }, target);
}

Result<EgressRule> EgressRule::parse(Verdict verdict, std::string_view text) {
  auto rule = parse_parts(text);
  if (!rule) {
    return fail(Errc::Invalid, fmt::format("\"{}\": {}; must be SUBNET or DOMAIN[:PORT][/tcp|/udp]",
                                           text, rule.error().message));
  }
  rule->verdict = verdict;
  return rule;
}

std::string EgressRule::target() const {
  return fmt::format("{}{}{}", to_string(to), port ? fmt::format(":{}", *port) : "",
                     protocol ? fmt::format("/{}", to_string(*protocol)) : "");
}

}  // namespace bh::net
