#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/name_sets.h"
#include "net/state.h"

namespace bh::net {

/// Where a packet comes from or goes to, as the host's kernel sees it.
enum class Side : std::uint8_t { Any, Bridge, AnyBridge, Elsewhere };

struct SideMatch {
  Side side = Side::Any;
  std::string bridge;  // Of Side::Bridge.

  friend bool operator==(SideMatch const&, SideMatch const&) = default;
};

/// What a rule looks at besides. Answers: packets of connections that are known. Broken: of none,
/// and they begin none. Echo: ICMP echo requests.
enum class Kind : std::uint8_t { New, Answers, Broken, Echo };

enum class Action : std::uint8_t { Accept, Reject, Drop };

/// One row of the firewall. `name` is what people, counters and `explain` call it.
struct Rule {
  std::string name;
  std::string why;
  Action action = Action::Accept;
  Kind kind = Kind::New;
  SideMatch in;
  SideMatch out;
  std::optional<Subnet> destination;
  std::string name_set;  // Not empty: only addresses in this set that names may open.
  std::optional<Protocol> protocol;
  std::optional<std::uint16_t> port;
  bool translated = false;  // Only packets that came by a published port.
};

/// A published port as the firewall has it.
struct Translation {
  std::string name;
  std::string why;
  PublishedPort port;
  Ipv4Address machine;
};

/// What the firewall does, computed from the state alone. In each list the first rule that matches
/// decides; the last ones match all that comes from or goes to machines, so nothing of theirs falls
/// through, and nothing of others matches.
struct Policy {
  std::vector<Rule> forward;  // Through the host, from or to a machine.
  std::vector<Rule> input;    // From a machine to the host itself.
  std::vector<Translation> translations;
};

inline constexpr char kSameNetworkRule[] = "same network";
inline constexpr char kFromHostRule[] = "from the host";
inline constexpr char kSpoofedRule[] = "spoofed";
inline constexpr char kHostLoopbackRule[] = "loopback of the host";

/// Ranges that no name opens, whatever addresses its owner gives it: private networks, loopback,
/// links, what is shared, tested with or sent to groups.
std::span<Subnet const> ranges_without_names();

Policy policy_of(State const& state);

/// A packet that begins a connection.
struct Flow {
  std::string in;  // Device names; empty: none of ours.
  std::string out;
  Ipv4Address destination;
  Protocol protocol = Protocol::Tcp;
  std::uint16_t port = 0;
  bool translated = false;
};

/// The rule that decides, or nullptr.
Rule const* first_match(std::vector<Rule> const& rules, Flow const& flow, NameSets const& sets);

}  // namespace bh::net
