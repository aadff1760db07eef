#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/address.h"
#include "net/published_port.h"

namespace bh::net {

enum class Verdict : std::uint8_t { Allow, Deny };

/// "allow" or "deny".
Result<Verdict> parse_verdict(std::string_view text);
std::string_view to_string(Verdict verdict);

/// What may leave a network, or not. An absent port or protocol means all.
struct EgressRule {
  Verdict verdict = Verdict::Allow;
  Subnet to;
  std::optional<Protocol> protocol;
  std::optional<std::uint16_t> port;

  /// "SUBNET[:PORT][/tcp|/udp]", as in "10.0.0.0/8:25/tcp"; a port alone is TCP's.
  static Result<EgressRule> parse(Verdict verdict, std::string_view text);
  /// What parse() reads.
  std::string target() const;

  friend bool operator==(EgressRule const&, EgressRule const&) = default;
};

}  // namespace bh::net
