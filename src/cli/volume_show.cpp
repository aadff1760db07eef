// `volume ls` and `volume inspect`.
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/machines.h"
#include "cli/table.h"
#include "cli/volume.h"
#include "image/json.h"

namespace bh::cli {

namespace {

constexpr std::array kLsOptions{
    kMachineRootOption,
    Option{"--quiet", "", "Names only", "-q"},
    kJsonOption,
};
constexpr std::array kInspectOptions{kMachineRootOption};

Result<boost::json::object> json_of(machine::Store& machines, machine::Volume const& volume) {
  boost::json::object labels;
  for (auto const& [name, value] : volume.labels) labels[name] = value;
  boost::json::array names;
  auto const users = BH_TRY(machines.users_of(volume));
  for (auto const& user : users) names.push_back(boost::json::string(user.name));
  return boost::json::object{{"name", volume.name},
                             {"created", machine::rfc3339(volume.created)},
                             {"folder", machines.folder_of_volume(volume.name) + "/data"},
                             {"labels", std::move(labels)},
                             {"anonymous", volume.anonymous},
                             {"machines", std::move(names)}};
}

Result<int> ls(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 0, "options"));
  auto machines = BH_TRY(open_machines(options));
  auto const volumes = BH_TRY(machines.volumes());
  boost::json::array array;
  Table table({"VOLUME", "CREATED", "MACHINES"});
  for (auto const& volume : volumes) {
    if (options.has("--quiet")) {
      context.out << volume.name << "\n";
      continue;
    }
    auto json = BH_TRY(json_of(machines, volume));
    auto const created = machine::rfc3339(volume.created);
    table.add({volume.name, age_of(created), std::to_string(json["machines"].as_array().size())});
    array.push_back(std::move(json));
  }
  if (options.has("--quiet")) return 0;
  if (options.has("--json")) {
    context.out << image::pretty(array);
  } else {
    table.print(context.out);
  }
  return 0;
}

Result<int> inspect(Context& context, Options const& options) {
  if (options.words().empty()) return fail(Errc::Invalid, "VOLUME... expected");
  auto machines = BH_TRY(open_machines(options));
  boost::json::array array;
  for (auto const& word : options.words()) {
    auto const volume = BH_TRY(machines.find_volume(word));
    auto json = BH_TRY(json_of(machines, volume));
    array.push_back(std::move(json));
  }
  context.out << image::pretty(array);
  return 0;
}

}  // namespace

constinit Command const kVolumeLs{
    .name = "ls",
    .usage = "volume ls [OPTION...]",
    .summary = "List volumes",
    .example = "bulkhead volume ls",
    .options = kLsOptions,
    .order = WordOrder::Mixed,
    .run = ls,
};

constinit Command const kVolumeInspect{
    .name = "inspect",
    .usage = "volume inspect [OPTION...] VOLUME...",
    .summary = "Show all that is known of volumes, as JSON",
    .example = "bulkhead volume inspect data",
    .options = kInspectOptions,
    .order = WordOrder::Mixed,
    .run = inspect,
};

}  // namespace bh::cli
