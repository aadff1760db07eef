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

boost::json::object json_of(machine::Store const& machines, machine::Record const& record) {
  boost::json::object state{{"status", machine::state_name(record.state)},
                            {"started", machine::rfc3339(record.started)},
                            {"ended", machine::rfc3339(record.ended)},
                            {"restarts", record.restarts},
                            {"reason", machine::reason_name(record.reason)},
                            {"detail", record.detail}};
  state["exit_status"] = record.exit_status ? boost::json::value(*record.exit_status) : nullptr;
  state["pid"] = record.supervisor ? record.supervisor->pid : 0;
  return {{"id", record.id},
          {"name", record.name},
          {"created", machine::rfc3339(record.created)},
          {"state", std::move(state)},
          {"definition", machine::json_of(record.definition)},
          {"folder", machines.folder_of(record.id)},
          {"log", machines.folder_of(record.id) + "/" + machine::kConsoleLog}};
}

Result<int> inspect(Context& context, Options const& options) {
  if (options.words().empty()) return fail(Errc::Invalid, "MACHINE... expected");
  auto machines = BH_TRY(open_machines(options));
  boost::json::array array;
  for (auto const& word : options.words()) {
    auto const record = BH_TRY(machines.find(word));
    array.push_back(json_of(machines, record));
  }
  context.out << image::pretty(array);
  return 0;
}

}  // namespace

constinit Command const kInspect{
    .name = "inspect",
    .usage = "inspect [OPTION...] MACHINE...",
    .summary = "Show all that is known of machines, as JSON",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = inspect,
};

}  // namespace bh::cli
