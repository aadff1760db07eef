#include <array>

#include "cli/machines.h"
#include "cli/network.h"
#include "machine/network/host_networks.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    Option{"--subnet", "CIDR", "Its addresses, instead of a /24 that is free"},
    Option{"--egress", "VERDICT", "What may leave it if no rule says: allow (default) or deny"},
    Option{
        "--allow", "TO[:PORT][/udp]",
        "A rule for what leaves it, such as 192.0.2.0/24:443; the first that matches decides. With "
        "--egress deny also a domain, such as example.com:443 or '*.debian.org'"},
    Option{"--deny", "CIDR[:PORT][/udp]", "The other way round; both as often as needed"},
    Option{"--names", "",
           "Its machines find each other by name, as they do with a domain allowed; needs dnsmasq"},
};

Result<net::Network> read_network(Options const& options) {
  net::Network network;
  network.name = options.words()[0];
  BH_TRY(machine::check_network_name(network.name));
  network.names = options.has("--names");
  if (options.has("--subnet")) {
    auto const subnet = net::Subnet::parse(options.value("--subnet"));
    if (!subnet) return std::unexpected(Error(subnet.error()).while_doing("--subnet"));
    network.subnet = *subnet;
  }
  if (options.has("--egress")) {
    auto const verdict = net::parse_verdict(options.value("--egress"));
    if (!verdict) return std::unexpected(Error(verdict.error()).while_doing("--egress"));
    network.egress = *verdict;
  }
  for (auto const& [name, text] : options.given({"--allow", "--deny"})) {
    auto const verdict = name == "--allow" ? net::Verdict::Allow : net::Verdict::Deny;
    auto rule = net::EgressRule::parse(verdict, text);
    if (!rule) return std::unexpected(std::move(rule).error().while_doing(name));
    // Its own name server is what opens them.
    if (rule->domain() != nullptr) network.names = true;
    network.rules.push_back(std::move(*rule));
  }
  return network;
}

Result<int> create(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "a NAME"));
  auto network = BH_TRY(read_network(options));
  auto machines = BH_TRY(open_machines(options));
  auto const made = BH_TRY(machine::make_network(machines, std::move(network)));
  context.out << made.network.name << "\n";
  return 0;
}

}  // namespace

constinit Command const kNetworkCreate{
    .name = "create",
    .usage = "network create [OPTION...] NAME",
    .summary = "Make a network for machines (run --network NAME); needs root",
    .example =
        "bulkhead network create --subnet 10.88.1.0/24 --names front\n"
        "bulkhead network create --egress deny --allow '*.debian.org' --allow example.com:443 "
        "named",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = create,
};

}  // namespace bh::cli
