// `volume create`, `volume rm` and `volume prune`.
#include <fmt/format.h>

#include <array>

#include "cli/machine_definition.h"
#include "cli/machines.h"
#include "cli/volume.h"

namespace bh::cli {

namespace {

constexpr std::array kCreateOptions{
    kMachineRootOption,
    Option{"--label", "NAME=VALUE", "A note for people; as often as needed", "-l"},
};
constexpr std::array kRmOptions{
    kMachineRootOption,
    Option{"--force", "", "No complaint about those that are not there", "-f"},
};
constexpr std::array kPruneOptions{
    kMachineRootOption,
    Option{"--all", "", "Those with a name, too", "-a"},
    Option{"--force", "", "Accepted for scripts written for docker; nothing is asked", "-f"},
};

Result<int> create(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 1, "one NAME"));
  auto machines = BH_TRY(open_machines(options));
  machine::Volume volume;
  volume.labels = BH_TRY(labels_of(options));
  if (!options.words().empty()) volume.name = options.words()[0];
  auto const made = BH_TRY(machines.add_volume(std::move(volume)));
  context.out << made.name << "\n";
  return 0;
}

Result<int> rm(Context& context, Options const& options) {
  if (options.words().empty()) {
    return fail(Errc::Invalid, "VOLUME... expected (`bulkhead volume ls` lists them)");
  }
  auto machines = BH_TRY(open_machines(options));
  int status = 0;
  for (auto const& word : options.words()) {
    auto const removed = machines.remove_volume(word);
    bool const absent = !removed && removed.error().code == Errc::NotFound;
    if (removed) context.out << word << "\n";
    if (removed || (absent && options.has("--force"))) continue;
    fmt::print(stderr, "bulkhead: {}\n", removed.error().message);
    status = 1;
  }
  return status;
}

Result<int> prune(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 0, "options"));
  auto machines = BH_TRY(open_machines(options));
  auto const volumes = BH_TRY(machines.volumes());
  for (auto const& volume : volumes) {
    if (!volume.anonymous && !options.has("--all")) continue;
    auto const removed = machines.remove_volume(volume.name);
    if (removed) context.out << volume.name << "\n";
    bool const left =
        !removed && (removed.error().code == Errc::Busy || removed.error().code == Errc::NotFound);
    if (!removed && !left) return std::unexpected(removed.error());
  }
  return 0;
}

}  // namespace

constinit Command const kVolumeCreate{
    .name = "create",
    .usage = "volume create [OPTION...] [NAME]",
    .summary = "Make a volume",
    .example = "bulkhead volume create data",
    .options = kCreateOptions,
    .order = WordOrder::Mixed,
    .run = create,
};

constinit Command const kVolumeRm{
    .name = "rm",
    .usage = "volume rm [OPTION...] VOLUME...",
    .summary = "Remove volumes that no machine uses, with what is in them",
    .example = "bulkhead volume rm data",
    .options = kRmOptions,
    .order = WordOrder::Mixed,
    .run = rm,
};

constinit Command const kVolumePrune{
    .name = "prune",
    .usage = "volume prune [OPTION...]",
    .summary = "Remove volumes without a name that no machine uses",
    .example = "bulkhead volume prune",
    .options = kPruneOptions,
    .order = WordOrder::Mixed,
    .run = prune,
};

}  // namespace bh::cli
