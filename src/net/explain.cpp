#include "net/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "net/address_pool.h"
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

Result<Target> target_of(State const& state, std::span<Ipv4Address const> host_addresses,
                         Question const& question, Attachment const* from) {
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
                fmt::format("\"{}\" is no machine of a network, no address, and not "
                            "\"host\"",
                            question.to));
  }
  target.address = *address;
  target.network = network_around(state, *address);
  target.host = address->is_loopback() || std::ranges::count(host_addresses, *address) != 0 ||
                (target.network != nullptr && gateway_of(target.network->subnet) == *address);
  return target;
}

Explanation decided_by(Rule const& rule) {
  return {.verdict = rule.action == Action::Accept ? Verdict::Allow : Verdict::Deny,
          .rule = rule.name,
          .why = rule.why,
          .what = {}};
}

/// The rules end with ones that match everything of ours.
Explanation decide(std::vector<Rule> const& rules, Flow const& flow) {
  auto const* const rule = first_match(rules, flow);
  if (rule == nullptr)
    return {.verdict = Verdict::Allow, .rule = "none", .why = "not ours", .what = {}};
  return decided_by(*rule);
}

Explanation from_machine(State const& state, Policy const& policy, Question const& question,
                         Attachment const& from, Target const& target) {
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
  return decide(policy.forward, flow);
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

Result<Explanation> explain(State const& state, std::span<Ipv4Address const> host_addresses,
                            Question const& question) {
  auto const* const machine = asker_of(state, question.from);
  auto const target = BH_TRY(target_of(state, host_addresses, question, machine));
  auto const policy = policy_of(state);
  Explanation explanation;
  auto from = question.from;
  if (machine != nullptr) {
    explanation = from_machine(state, policy, question, *machine, target);
    from = fmt::format("{} ({})", machine->machine, machine->address.text());
  } else {
    bool const host = question.from == kHost;
    if (!host && question.from != kOutside && !Ipv4Address::parse(question.from)) {
      return fail(Errc::NotFound,
                  fmt::format("\"{}\" is no machine of a network, no address, and neither \"host\" "
                              "nor \"outside\"",
                              question.from));
    }
    explanation = from_elsewhere(state, policy, question, target, host);
  }
  explanation.what = fmt::format("{} to {}, {} {}", from, target.text, to_string(question.protocol),
                                 question.port);
  return explanation;
}

}  // namespace bh::net
