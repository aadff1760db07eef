#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/machines.h"
#include "cli/network.h"
#include "cli/table.h"
#include "image/json.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    kJsonOption,
    Option{"--quiet", "", "Only names", "-q"},
};

Result<int> ls(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 0, "no words"));
  auto machines = BH_TRY(open_machines(options));
  auto const networks = BH_TRY(machines.networks());
  auto const cards = BH_TRY(machines.cards());
  boost::json::array array;
  Table table{{"NAME", "SUBNET", "EGRESS", "NAMES", "MACHINES", "CREATED"}};
  for (auto const& [network, created] : networks) {
    auto const count = std::ranges::count(cards, network.name, &machine::Card::network);
    auto const time = machine::rfc3339(created);
    auto egress = std::string(net::to_string(network.egress));
    if (options.has("--quiet")) context.out << network.name << "\n";
    array.push_back(boost::json::object{{"name", network.name},
                                        {"subnet", network.subnet.text()},
                                        {"egress", egress},
                                        {"names", network.names},
                                        {"machines", count},
                                        {"created", time}});
    if (!network.rules.empty()) egress += ", with rules";
    table.add({network.name, network.subnet.text(), egress, network.names ? "yes" : "no",
               std::to_string(count), age_of(time)});
  }
  if (options.has("--json")) {
    context.out << image::pretty(array);
  } else if (!options.has("--quiet")) {
    table.print(context.out);
  }
  return 0;
}

}  // namespace

constinit Command const kNetworkLs{
    .name = "ls",
    .usage = "network ls [OPTION...]",
    .summary = "List networks that machines join",
    .example = "bulkhead network ls",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = ls,
};

}  // namespace bh::cli
