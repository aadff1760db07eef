#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <utility>

#include "cli/machines.h"
#include "cli/network.h"
#include "image/json.h"
#include "net/address_pool.h"
#include "net/state_json.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{kMachineRootOption};

Result<boost::json::array> machines_in(machine::Store& machines, std::string const& network) {
  boost::json::array array;
  auto const cards = BH_TRY(machines.cards());
  for (auto const& card : cards) {
    auto const record = machines.find(card.machine);
    if (card.network != network || !record) continue;
    array.push_back(boost::json::object{{"id", record->id},
                                        {"name", record->name},
                                        {"address", card.address.text()},
                                        {"state", machine::state_name(record->state)}});
  }
  return array;
}

Result<int> inspect(Context& context, Options const& options) {
  if (options.words().empty()) return fail(Errc::Invalid, "NETWORK... expected");
  auto machines = BH_TRY(open_machines(options));
  boost::json::array array;
  for (auto const& word : options.words()) {
    auto const found = BH_TRY(machines.find_network(word));
    auto json = net::json_of(found.network);
    json["gateway"] = net::gateway_of(found.network.subnet).text();
    json["created"] = machine::rfc3339(found.created);
    auto inside = BH_TRY(machines_in(machines, word));
    json["machines"] = std::move(inside);
    array.push_back(std::move(json));
  }
  context.out << image::pretty(array);
  return 0;
}

}  // namespace

constinit Command const kNetworkInspect{
    .name = "inspect",
    .usage = "network inspect [OPTION...] NETWORK...",
    .summary = "Show all that is known of networks, as JSON",
    .example = "bulkhead network inspect front",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = inspect,
};

}  // namespace bh::cli
