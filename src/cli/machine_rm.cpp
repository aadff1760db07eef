#include <fcntl.h>

#include <array>

#include "cli/machines.h"
#include "machine/control/client.h"
#include "machine/network/host_networks.h"
#include "os/user_namespace.h"

namespace bh::cli {

namespace {

constexpr std::array kRmOptions{
    kMachineRootOption,
    Option{"--force", "", "Running ones, too, and no complaint about those that are not there",
           "-f"},
    Option{"--volumes", "", "Volumes without a name that were made for them, too", "-v"},
};
constexpr std::array kRenameOptions{kMachineRootOption};

Result<> remove(machine::Store& machines, machine::Record const& record, Options const& options) {
  bool const force = options.has("--force");
  if (record.supervisor && !force) {
    return fail(Errc::Busy, "machine " + record.name + " is " +
                                std::string(state_name(record.state)) + " (`bulkhead stop " +
                                record.name + "` first, or `rm -f`)");
  }
  if (record.supervisor) {
    auto const stopped = machine::ask(machines, record, {{"do", "stop"}, {"milliseconds", 0}});
    auto const left = machines.find(record.id);
    // It may have ended, or gone, by itself meanwhile.
    if (!left && left.error().code == Errc::NotFound) return {};
    if (!stopped && left && left->supervisor) return std::unexpected(stopped.error());
  }
  BH_TRY(os::remove_foreign_tree(AT_FDCWD, machines.folder_of(record.id)));
  BH_TRY(machines.remove(record.id));
  if (!options.has("--volumes")) return {};
  return machines.remove_anonymous_volumes(record.definition);
}

Result<int> rm(Context& context, Options const& options) {
  if (options.has("--force")) {
    auto machines = BH_TRY(open_machines(options));
    for (auto const& word : options.words()) {
      auto const record = machines.find(word);
      if (!record && record.error().code == Errc::NotFound) continue;
      if (!record) return std::unexpected(record.error());
      BH_TRY(remove(machines, *record, options));
      context.out << word << "\n";
    }
    return 0;
  }
  return for_each_machine(options,
                          [&](machine::Store& machines, machine::Record const& record) -> Result<> {
                            BH_TRY(remove(machines, record, options));
                            context.out << record.name << "\n";
                            return {};
                          });
}

Result<int> rename(Context& /*context*/, Options const& options) {
  BH_TRY(need_words(options, 2, 2, "MACHINE and its new NAME"));
  auto machines = BH_TRY(open_machines(options));
  auto const record = BH_TRY(machines.find(options.words()[0]));
  BH_TRY(machine::rename_machine(machines, record, options.words()[1]));
  return 0;
}

}  // namespace

constinit Command const kRm{
    .name = "rm",
    .usage = "rm [OPTION...] MACHINE...",
    .summary = "Remove machines",
    .example = "bulkhead rm --force web",
    .options = kRmOptions,
    .order = WordOrder::Mixed,
    .run = rm,
};

constinit Command const kRename{
    .name = "rename",
    .usage = "rename MACHINE NAME",
    .summary = "Give a machine another name",
    .example = "bulkhead rename web www",
    .options = kRenameOptions,
    .order = WordOrder::Mixed,
    .run = rename,
};

}  // namespace bh::cli
