#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/state.h"

namespace bh::net {

/// Who begins a connection, and to what.
struct Question {
  std::string from;  // A machine, "host", "outside", or an address outside.
  std::string to;    // A machine, "host", or an address.
  Protocol protocol = Protocol::Tcp;
  std::uint16_t port = 0;

  /// `to` is "NAME:PORT[/udp]".
  static Result<Question> parse(std::string_view from, std::string_view to);
};

/// What the firewall does with it.
struct Explanation {
  Verdict verdict = Verdict::Deny;
  std::string rule;  // As the counter of the firewall calls it.
  std::string why;
  std::string what;  // What the question was taken for: "web (10.88.1.2) to 10.88.2.2, tcp 80"
};

/// Answers from the state and the host's own addresses alone. Whether somebody listens there it
/// cannot know. Errc::NotFound for names that are none.
Result<Explanation> explain(State const& state, std::span<Ipv4Address const> host_addresses,
                            Question const& question);

}  // namespace bh::net
