#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "cli/machine_words.h"
#include "cli/machines.h"
#include "cli/table.h"
#include "image/json.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    kJsonOption,
    Option{"--all", "", "Those that do not run, too", "-a"},
    Option{"--quiet", "", "Only ids", "-q"},
    Option{"--no-trunc", "", "Whole commands"},
    Option{"--filter", "KEY=VALUE",
           "name=TEXT, id=, status=, label=NAME[=VALUE], isolation=, health=, exited=STATUS; all "
           "must hold",
           "-f"},
};

Result<bool> matches(machine::Record const& record, std::string const& filter) {
  auto const equals = filter.find('=');
  auto const key = filter.substr(0, equals);
  auto const value = equals == filter.npos ? "" : filter.substr(equals + 1);
  auto const& definition = record.definition;
  if (key == "name") return record.name.find(value) != std::string::npos;
  if (key == "id") return record.id.starts_with(value);
  if (key == "isolation") return machine::isolation_name(definition.isolation) == value;
  if (key == "status") {
    auto const state = BH_TRY(machine::parse_state(value));
    return record.state == state;
  }
  if (key == "health") return record.health.live == value;
  if (key == "exited") return record.exit_status && std::to_string(*record.exit_status) == value;
  if (key == "label") {
    auto const split = value.find('=');
    auto const found = definition.labels.find(value.substr(0, split));
    if (found == definition.labels.end()) return false;
    return split == value.npos || found->second == value.substr(split + 1);
  }
  return fail(Errc::Invalid,
              "--filter \"" + filter +
                  "\": must be name=, id=, status=, label=, isolation=, health= or exited=");
}

Result<bool> shown(machine::Record const& record, Options const& options) {
  for (auto const& filter : options.values("--filter")) {
    bool const match = BH_TRY(matches(record, filter));
    if (!match) return false;
  }
  // Who asks for those that ended wants to see them.
  bool const any = options.has("--all") ||
                   std::ranges::any_of(options.values("--filter"), [](auto const& filter) {
                     return filter.starts_with("status=") || filter.starts_with("exited=");
                   });
  return any || record.supervisor.has_value();
}

boost::json::object json_of(machine::Record const& record) {
  boost::json::object labels;
  for (auto const& [name, value] : record.definition.labels) labels[name] = value;
  boost::json::array ports;
  for (auto const& port : record.definition.ports) {
    ports.push_back(boost::json::object{{"address", port.host_address.text()},
                                        {"host_port", port.host_port},
                                        {"machine_port", port.machine_port},
                                        {"protocol", net::to_string(port.protocol)}});
  }
  boost::json::object json{{"id", record.id},
                           {"name", record.name},
                           {"image", record.definition.image},
                           {"isolation", machine::isolation_name(record.definition.isolation)},
                           {"state", machine::state_name(record.state)},
                           {"status", status_words(record)},
                           {"created", machine::rfc3339(record.created)},
                           {"restarts", record.restarts},
                           {"ports", std::move(ports)},
                           {"labels", std::move(labels)}};
  if (!record.health.live.empty()) json["health"] = record.health.live;
  if (!record.health.ready.empty()) json["ready"] = record.health.ready == "yes";
  if (record.exit_status) json["exit_status"] = *record.exit_status;
  return json;
}

/// "127.0.0.1:8080->80/tcp" for each port that is open now.
std::string ports_words(machine::Record const& record) {
  if (!record.supervisor) return {};
  std::string words;
  for (auto const& port : record.definition.ports) {
    words += fmt::format("{}{}:{}->{}/{}", words.empty() ? "" : ", ", port.host_address.text(),
                         port.host_port, port.machine_port, net::to_string(port.protocol));
  }
  return words;
}

void print_table(std::ostream& out, std::vector<machine::Record> const& records, bool whole) {
  Table table{
      {"MACHINE ID", "IMAGE", "ISOLATION", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"}};
  for (auto const& record : records) {
    auto command = command_words(record.definition);
    constexpr std::size_t kShort = 20;
    if (!whole && command.size() > kShort) command = command.substr(0, kShort - 3) + "...";
    table.add({record.id, record.definition.image,
               std::string(machine::isolation_name(record.definition.isolation)),
               fmt::format("\"{}\"", command), age_of(machine::rfc3339(record.created)),
               status_words(record), ports_words(record), record.name});
  }
  table.print(out);
}

Result<int> ps(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 0, "no words"));
  auto machines = BH_TRY(open_machines(options));
  auto const all = BH_TRY(machines.all());
  std::vector<machine::Record> records;
  for (auto const& record : all) {
    bool const wanted = BH_TRY(shown(record, options));
    if (wanted) records.push_back(record);
  }
  std::ranges::reverse(records);
  if (options.has("--json")) {
    boost::json::array array;
    for (auto const& record : records) array.push_back(json_of(record));
    context.out << image::pretty(array);
  } else if (options.has("--quiet")) {
    for (auto const& record : records) context.out << record.id << "\n";
  } else {
    print_table(context.out, records, options.has("--no-trunc"));
  }
  return 0;
}

}  // namespace

constinit Command const kPs{
    .name = "ps",
    .usage = "ps [OPTION...]",
    .summary = "List machines",
    .example = "bulkhead ps --all --filter status=exited",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = ps,
};

}  // namespace bh::cli
