#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/name_sets.h"
#include "net/state.h"

namespace bh::net {

/// Who begins a connection, and to what.
struct Question {
  std::string from;  // A machine, "host", "outside", or an address outside.
  std::string to;    // A machine, "host", an address, or the name of a domain.
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

/// What it needs to know of the host.
struct HostView {
  std::vector<Ipv4Address> addresses;
  /// The addresses of a name, or none: asked of a network's name server, as its machines would, and
  /// otherwise of the host's.
  std::function<Result<std::vector<Ipv4Address>>(std::optional<Ipv4Address> server,
                                                 std::string const& name)>
      look_up;
  /// What machines were told of names; asked after look_up, and only for networks with rules about
  /// domains.
  std::function<Result<NameSets>()> name_sets;
};

/// Answers from the state and what is known of the host. Whether somebody listens there it cannot
/// know. Of a name with several addresses it speaks of the first that is denied, or else the first.
/// Errc::NotFound for names that are none.
Result<Explanation> explain(State const& state, HostView const& host, Question const& question);

}  // namespace bh::net
