#include "net/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "net/address_pool.h"
#include "net/domain_pattern.h"
#include "net/name_server.h"
#include "net/names.h"
#include "net/policy.h"

namespace bh::net {

namespace {

constexpr std::string_view kHost = "host";
constexpr std::string_view kOutside = "outside";

Network const* network_around(State const& state, Ipv4Address address) {
  auto const found = std::ranges::find_if(
      state.networks, [&](Network const& one) { return one.subnet.contains(address); });
  return found == state.networks.end() ? nullptr : &*found;
}

/// A machine by its name, or by an address of it.
Attachment const* asker_of(State const& state, std::string const& text) {
  if (auto const* const named = state.machine(text)) return named;
  auto const address = Ipv4Address::parse(text);
  if (!address) return nullptr;
  auto const found = std::ranges::find(state.attachments, *address, &Attachment::address);
  return found == state.attachments.end() ? nullptr : &*found;
}

/// Where a packet is going, once names are addresses.
struct Target {
  bool host = false;
  std::optional<Ipv4Address> address;  // Absent: any address of the host.
  Network const* network = nullptr;    // The one it is in.
  std::string text;
};

Target target_at(State const& state, HostView const& host, Ipv4Address address) {
  Target target{.address = address, .network = network_around(state, address), .text = {}};
  target.text = address.text();
  target.host = address.is_loopback() || std::ranges::count(host.addresses, address) != 0 ||
                (target.network != nullptr && gateway_of(target.network->subnet) == address);
  return target;
}

Result<Target> target_of(State const& state, HostView const& host, Question const& question,
                         Attachment const* from) {
  Target target{.text = question.to};
  if (question.to == kHost) {
    target.host = true;
    return target;
  }
  Attachment const* chosen = nullptr;
  for (auto const& attachment : state.attachments) {
    if (attachment.machine != question.to) continue;
    // Of several cards the one that shares a network with the asker's.
    bool const near =
        from != nullptr && std::ranges::any_of(state.attachments, [&](auto const& own) {
          return own.machine == from->machine && own.network == attachment.network;
        });
    if (chosen == nullptr || near) chosen = &attachment;
    if (near) break;
  }
  if (chosen != nullptr) {
    target.address = chosen->address;
    target.network = state.network(chosen->network);
    target.text = fmt::format("{} ({})", chosen->machine, chosen->address.text());
    return target;
  }
  auto const address = Ipv4Address::parse(question.to);
  if (!address) {
    return fail(Errc::NotFound,
                fmt::format("\"{}\" is no machine of a network, no address, no domain, and not "
                            "\"host\"",
                            question.to));
  }
  return target_at(state, host, *address);
}

Explanation decided_by(Rule const& rule) {
  return {.verdict = rule.action == Action::Accept ? Verdict::Allow : Verdict::Deny,
          .rule = rule.name,
          .why = rule.why,
          .what = {}};
}

/// The rules end with ones that match everything of ours.
Explanation decide(std::vector<Rule> const& rules, Flow const& flow, NameSets const& sets = {}) {
  auto const* const rule = first_match(rules, flow, sets);
  if (rule == nullptr)
    return {.verdict = Verdict::Allow, .rule = "none", .why = "not ours", .what = {}};
  return decided_by(*rule);
}

Explanation from_machine(State const& state, Policy const& policy, Question const& question,
                         Attachment const& from, Target const& target, NameSets const& sets) {
  if (target.address && (target.address->is_loopback() || target.address == from.address)) {
    return {
        .verdict = Verdict::Allow, .rule = "none", .why = "the machine means itself", .what = {}};
  }
  // The card that the machine's own routes choose.
  Attachment const* card = &from;
  for (auto const& own : state.attachments) {
    bool const near = target.network != nullptr && own.network == target.network->name;
    if (own.machine == from.machine && near) card = &own;
  }
  Flow flow{
      .in = bridge_name(card->network),
      .out = {},
      .destination = target.address.value_or(gateway_of(state.network(card->network)->subnet)),
      .protocol = question.protocol,
      .port = question.port};
  if (target.host) return decide(policy.input, flow);
  if (target.network != nullptr && target.network->name == card->network) {
    return {.verdict = Verdict::Allow,
            .rule = kSameNetworkRule,
            .why = "machines of one network reach each other",
            .what = {}};
  }
  if (target.network != nullptr) flow.out = bridge_name(target.network->name);
  return decide(policy.forward, flow, sets);
}

/// Empty if no rule asks for them.
Result<NameSets> sets_for(HostView const& host, Network const& network) {
  bool const needed =
      std::ranges::any_of(network.rules, [](auto const& rule) { return rule.domain() != nullptr; });
  return needed ? host.name_sets() : NameSets();
}

Explanation without_name(Network const& network, std::string_view why) {
  return {.verdict = Verdict::Deny,
          .rule = fmt::format("names of {}", network.name),
          .why = std::string(why),
          .what = {}};
}

/// What becomes of a machine that asks for a name and connects to what it is told.
Result<Explanation> to_domain(State const& state, Policy const& policy, HostView const& host,
                              Question const& question, Attachment const& from,
                              std::string const& name, Target& target) {
  auto const& network = *state.network(from.network);
  target.text = name;
  if (!network.names && network.egress == Verdict::Deny) {
    return without_name(network, "the network has no name server, and others are not reached");
  }
  if (!answers_for(network, name)) {
    return without_name(network, "the network's name server knows only what a rule allows");
  }
  std::optional<Ipv4Address> server;
  if (network.names) server = gateway_of(network.subnet);
  auto const addresses = BH_TRY(host.look_up(server, name));
  if (addresses.empty()) return without_name(network, "the name has no address");
  auto const sets = BH_TRY(sets_for(host, network));
  Explanation answer;
  for (auto const& address : addresses) {
    bool const first = address == addresses.front();
    auto const one = target_at(state, host, address);
    auto const decided = from_machine(state, policy, question, from, one, sets);
    if (!first && decided.verdict == Verdict::Allow) continue;
    answer = decided;
    target.text = fmt::format("{} ({})", name, address.text());
    if (decided.verdict == Verdict::Deny) break;
  }
  return answer;
}

bool leads(Translation const& translation, Question const& question, Target const& target,
           bool from_host) {
  auto const& port = translation.port;
  if (port.protocol != question.protocol || port.host_port != question.port) return false;
  if (port.host_address.is_loopback() && !from_host) return false;
  if (port.host_address == kAnyAddress) return target.host;
  if (target.address) return *target.address == port.host_address;
  // "host": the address that the asker would take.
  return !from_host || port.host_address == kLoopback;
}

Explanation from_elsewhere(State const& state, Policy const& policy, Question const& question,
                           Target const& target, bool from_host) {
  auto const translation = std::ranges::find_if(policy.translations, [&](auto const& one) {
    return leads(one, question, target, from_host);
  });
  if (translation != policy.translations.end()) {
    // The host's own connections are not filtered behind it.
    if (from_host) {
      return {.verdict = Verdict::Allow,
              .rule = translation->name,
              .why = translation->why,
              .what = {}};
    }
    auto const* const network = network_around(state, translation->machine);
    return decide(policy.forward, {.in = {},
                                   .out = bridge_name(network->name),
                                   .destination = translation->machine,
                                   .protocol = question.protocol,
                                   .port = translation->port.machine_port,
                                   .translated = true});
  }
  if (target.host || target.network == nullptr) {
    return {.verdict = Verdict::Allow,
            .rule = "none",
            .why = "no machine has part in it, so other tables decide",
            .what = {}};
  }
  if (from_host) {
    return {.verdict = Verdict::Allow,
            .rule = kFromHostRule,
            .why = "the host reaches its machines",
            .what = {}};
  }
  return decide(policy.forward, {.in = {},
                                 .out = bridge_name(target.network->name),
                                 .destination = *target.address,
                                 .protocol = question.protocol,
                                 .port = question.port});
}

}  // namespace

Result<Question> Question::parse(std::string_view from, std::string_view to) {
  Question question;
  question.from = from;
  auto rest = to;
  auto const slash = rest.rfind('/');
  if (slash != rest.npos) {
    question.protocol = BH_TRY(parse_protocol(rest.substr(slash + 1)));
    rest = rest.substr(0, slash);
  }
  auto const colon = rest.rfind(':');
  if (colon == rest.npos || colon == 0) {
    return fail(Errc::Invalid, fmt::format("\"{}\": must be NAME:PORT[/udp]", to));
  }
  question.to = rest.substr(0, colon);
  question.port = BH_TRY(parse_port(rest.substr(colon + 1)));
  return question;
}

Result<Explanation> explain(State const& state, HostView const& host, Question const& question) {
  auto const* const machine = asker_of(state, question.from);
  auto const policy = policy_of(state);
  auto target = target_of(state, host, question, machine);
  auto const domain = DomainPattern::parse(question.to);
  bool const to_name = !target && machine != nullptr && domain && !domain->below;
  if (!target && !to_name) return std::unexpected(target.error());
  Explanation explanation;
  auto from = question.from;
  if (machine != nullptr) {
    from = fmt::format("{} ({})", machine->machine, machine->address.text());
    if (to_name) {
      target = Target();
      explanation =
          BH_TRY(to_domain(state, policy, host, question, *machine, domain->name, *target));
    } else {
      auto const sets = BH_TRY(sets_for(host, *state.network(machine->network)));
      explanation = from_machine(state, policy, question, *machine, *target, sets);
    }
  } else {
    bool const is_host = question.from == kHost;
    if (!is_host && question.from != kOutside && !Ipv4Address::parse(question.from)) {
      return fail(Errc::NotFound,
                  fmt::format("\"{}\" is no machine of a network, no address, and neither \"host\" "
                              "nor \"outside\"",
                              question.from));
    }
    explanation = from_elsewhere(state, policy, question, *target, is_host);
  }
  explanation.what = fmt::format("{} to {}, {} {}", from, target->text,
                                 to_string(question.protocol), question.port);
  return explanation;
}

}  // namespace bh::net
