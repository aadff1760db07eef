#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/machines.h"
#include "cli/net.h"
#include "machine/network/host_networks.h"
#include "net/explain.h"
#include "net/firewall.h"
#include "net/links.h"
#include "net/name_lookup.h"
#include "net/ruleset.h"

namespace bh::cli {

namespace {

constexpr std::array kExplainOptions{
    kMachineRootOption,
    Option{"--state", "FILE", "Networks as in this file, or -, instead of those of machines"},
    kJsonOption,
};
constexpr std::array kRulesOptions{kMachineRootOption};

/// Of machines that run now; or of a file, if one is named.
Result<net::State> asked_state(Options const& options, std::string const& file) {
  if (!file.empty()) return read_state(file);
  auto machines = BH_TRY(open_machines(options));
  return machine::state_of(machines);
}

/// A machine that is none of a network may be one all the same.
Result<net::Explanation> answer_to(Options const& options, net::State const& state,
                                   net::HostView const& host, net::Question const& question) {
  auto answer = net::explain(state, host, question);
  if (answer || answer.error().code != Errc::NotFound || options.has("--state")) return answer;
  auto machines = BH_TRY(open_machines(options));
  for (auto const& name : {question.from, question.to}) {
    auto const record = machines.find(name);
    if (!record || state.machine(record->name) != nullptr) continue;
    return fail(Errc::NotFound, "machine " + name +
                                    " does not run in a managed network (`bulkhead inspect " +
                                    name + "` shows its state and networks)");
  }
  return answer;
}

Result<int> explain(Context& context, Options const& options) {
  BH_TRY(need_words(options, 2, 2, "who connects, and NAME:PORT[/udp] to which"));
  auto const state = BH_TRY(asked_state(options, std::string(options.value("--state"))));
  auto const question = BH_TRY(net::Question::parse(options.words()[0], options.words()[1]));
  auto links = BH_TRY(net::Links::open());
  auto addresses = BH_TRY(links.addresses());
  net::HostView const host{
      .addresses = std::move(addresses), .look_up = net::look_up, .name_sets = net::name_sets};
  auto const answer = BH_TRY(answer_to(options, state, host, question));
  std::string_view const verdict = answer.verdict == net::Verdict::Allow ? "allowed" : "denied";
  if (options.has("--json")) {
    context.out << boost::json::serialize(boost::json::object{{"verdict", verdict},
                                                              {"rule", answer.rule},
                                                              {"why", answer.why},
                                                              {"what", answer.what}})
                << "\n";
  } else {
    context.out << verdict << ": " << answer.what << "\n  rule: " << answer.rule
                << "\n  why:  " << answer.why << "\n";
  }
  return answer.verdict == net::Verdict::Allow ? 0 : 1;
}

Result<int> rules(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 1, "the file of a state, or -"));
  auto const file = options.words().empty() ? std::string() : options.words()[0];
  auto const state = BH_TRY(asked_state(options, file));
  context.out << boost::json::serialize(net::ruleset_of(state)) << "\n";
  return 0;
}

}  // namespace

constinit Command const kNetExplain{
    .name = "explain",
    .usage = "net explain [OPTION...] WHO NAME:PORT[/udp]",
    .summary = "Say which rule lets a connection through, or does not (status 1)",
    .example =
        "bulkhead net explain web db:5432\n"
        "bulkhead net explain web deb.debian.org:443",
    .options = kExplainOptions,
    .order = WordOrder::Mixed,
    .run = explain,
};

constinit Command const kNetRules{
    .name = "rules",
    .usage = "net rules [OPTION...] [FILE]",
    .summary = "Show the firewall of machines, or of a file's state, as nft -j takes it",
    .example = "bulkhead net rules networks.json",
    .options = kRulesOptions,
    .order = WordOrder::Mixed,
    .run = rules,
};

}  // namespace bh::cli
