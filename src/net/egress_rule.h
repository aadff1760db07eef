#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "net/address.h"
#include "net/domain_pattern.h"
#include "net/published_port.h"

namespace bh::net {

enum class Verdict : std::uint8_t { Allow, Deny };

/// "allow" or "deny".
Result<Verdict> parse_verdict(std::string_view text);
std::string_view to_string(Verdict verdict);

/// Where to: addresses, or those that names have when a machine asks.
using EgressTarget = std::variant<Subnet, DomainPattern>;

/// What consists of digits, dots and a slash is a subnet, all else a domain.
Result<EgressTarget> parse_egress_target(std::string_view text);
std::string to_string(EgressTarget const& target);

/// What may leave a network, or not. An absent port or protocol means all.
struct EgressRule {
  Verdict verdict = Verdict::Allow;
  EgressTarget to;
  std::optional<Protocol> protocol;
  std::optional<std::uint16_t> port;

  /// "SUBNET[:PORT][/tcp|/udp]" or the same with a domain, as in "10.0.0.0/8:25/tcp" and
  /// "*.debian.org:443"; a port alone is TCP's.
  static Result<EgressRule> parse(Verdict verdict, std::string_view text);
  /// What parse() reads.
  std::string target() const;

  /// nullptr for a rule about addresses.
  DomainPattern const* domain() const { return std::get_if<DomainPattern>(&to); }

  friend bool operator==(EgressRule const&, EgressRule const&) = default;
};

}  // namespace bh::net
