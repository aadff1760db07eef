#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/machines.h"
#include "image/json.h"
#include "machine/definition_json.h"
#include "machine/supervise/files.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{kMachineRootOption};

Result<boost::json::array> networks_of(machine::Store& machines, machine::Record const& record) {
  boost::json::array array;
  auto const cards = BH_TRY(machines.cards_of(record.id));
  for (auto const& card : cards) {
    array.push_back(boost::json::object{{"name", card.network}, {"address", card.address.text()}});
  }
  return array;
}

Result<boost::json::object> json_of(machine::Store& machines, machine::Record const& record) {
  auto networks = BH_TRY(networks_of(machines, record));
  boost::json::object state{{"status", machine::state_name(record.state)},
                            {"started", machine::rfc3339(record.started)},
                            {"ended", machine::rfc3339(record.ended)},
                            {"restarts", record.restarts},
                            {"reason", machine::reason_name(record.reason)},
                            {"detail", record.detail}};
  state["exit_status"] = record.exit_status ? boost::json::value(*record.exit_status) : nullptr;
  if (!record.health.live.empty()) state["health"] = record.health.live;
  if (!record.health.ready.empty()) state["ready"] = record.health.ready == "yes";
  if (!record.health.detail.empty()) state["health_detail"] = record.health.detail;
  state["pid"] = record.supervisor ? record.supervisor->pid : 0;
  return boost::json::object{{"id", record.id},
                             {"name", record.name},
                             {"created", machine::rfc3339(record.created)},
                             {"state", std::move(state)},
                             {"definition", machine::json_of(record.definition)},
                             {"networks", std::move(networks)},
                             {"folder", machines.folder_of(record.id)},
                             {"log", machines.folder_of(record.id) + "/" + machine::kConsoleLog}};
}

Result<int> inspect(Context& context, Options const& options) {
  if (options.words().empty()) return fail(Errc::Invalid, "MACHINE... expected");
  auto machines = BH_TRY(open_machines(options));
  boost::json::array array;
  for (auto const& word : options.words()) {
    auto const record = BH_TRY(machines.find(word));
    auto json = BH_TRY(json_of(machines, record));
    array.push_back(std::move(json));
  }
  context.out << image::pretty(array);
  return 0;
}

}  // namespace

constinit Command const kInspect{
    .name = "inspect",
    .usage = "inspect [OPTION...] MACHINE...",
    .summary = "Show all that is known of machines, as JSON",
    .example = "bulkhead inspect web",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = inspect,
};

}  // namespace bh::cli
