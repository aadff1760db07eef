#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/image_options.h"
#include "cli/net.h"
#include "net/explain.h"
#include "net/links.h"
#include "net/ruleset.h"

namespace bh::cli {

namespace {

constexpr Option kStateOption{"--state", "FILE", "The state of the networks, or -"};
constexpr std::array kExplainOptions{kStateOption, kJsonOption};

Result<net::State> given_state(Options const& options) {
  if (!options.has("--state")) {
    return fail(Errc::Invalid, "--state FILE is missing: there is no store of networks yet");
  }
  return read_state(std::string(options.value("--state")));
}

Result<int> explain(Context& context, Options const& options) {
  BH_TRY(need_words(options, 2, 2, "who connects, and NAME:PORT[/udp] to which"));
  auto const state = BH_TRY(given_state(options));
  auto const question = BH_TRY(net::Question::parse(options.words()[0], options.words()[1]));
  auto links = BH_TRY(net::Links::open());
  auto const addresses = BH_TRY(links.addresses());
  auto const answer = BH_TRY(net::explain(state, addresses, question));
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
  BH_TRY(need_words(options, 1, 1, "the file of a state, or -"));
  auto const state = BH_TRY(read_state(options.words()[0]));
  context.out << boost::json::serialize(net::ruleset_of(state)) << "\n";
  return 0;
}

}  // namespace

constinit Command const kNetExplain{
    .name = "explain",
    .usage = "net explain --state FILE [--json] WHO NAME:PORT[/udp]",
    .summary = "Say which rule lets a connection through, or does not (status 1)",
    .options = kExplainOptions,
    .order = WordOrder::Mixed,
    .run = explain,
};

constinit Command const kNetRules{
    .name = "rules",
    .usage = "net rules FILE",
    .summary = "Show the firewall of a state, as nft -j takes it",
    .options = {},
    .order = WordOrder::Mixed,
    .run = rules,
};

}  // namespace bh::cli
