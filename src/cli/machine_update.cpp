#include <fmt/format.h>

#include <array>

#include "cli/machine_definition.h"
#include "cli/machines.h"
#include "machine/control/client.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    Option{"--memory", "MIB", "Memory", "-m"},
    Option{"--cpus", "N", "CPUs"},
    Option{"--restart", "POLICY", "no, on-failure[:N], always or unless-stopped"},
    Option{"--label", "NAME=VALUE", "A label more, or another value; as often as needed", "-l"},
};

Result<> change(machine::Definition& definition, Options const& options) {
  // The same options as a new machine's, checked in the same way.
  auto const wanted = BH_TRY(read_definition(options));
  if (wanted.memory_mib) definition.memory_mib = wanted.memory_mib;
  if (wanted.cpus) definition.cpus = wanted.cpus;
  for (auto const& [name, value] : wanted.labels) definition.labels[name] = value;
  if (options.has("--restart")) definition.restart = wanted.restart;
  if (definition.remove_at_end && definition.restart.when != machine::RestartPolicy::When::No) {
    return fail(Errc::Invalid, "it is removed at its end (--rm), so it cannot be started again");
  }
  return {};
}

Result<> update_one(machine::Store& machines, machine::Record const& record,
                    Options const& options) {
  auto definition = record.definition;
  BH_TRY(change(definition, options));
  BH_TRY(machines.change(record.id, definition));
  if (!record.supervisor) return {};
  auto const live = machine::ask(machines, record, {{"do", "reload"}});
  if (live) return {};
  if (live.error().code == Errc::Unsupported) {
    fmt::print(stderr, "bulkhead: machine {}: kept, but {} (`bulkhead restart {}`)\n", record.name,
               live.error().message, record.name);
    return {};
  }
  // What the running machine cannot be is not kept either.
  BH_TRY(machines.change(record.id, record.definition));
  return std::unexpected(live.error());
}

Result<int> update(Context& context, Options const& options) {
  bool any = false;
  for (auto const* const name : {"--memory", "--cpus", "--restart", "--label"}) {
    any = any || options.has(name);
  }
  if (!any) return fail(Errc::Invalid, "--memory, --cpus, --restart or --label expected");
  return for_each_machine(options,
                          [&](machine::Store& machines, machine::Record const& record) -> Result<> {
                            BH_TRY(update_one(machines, record, options));
                            context.out << record.name << "\n";
                            return {};
                          });
}

}  // namespace

constinit Command const kUpdate{
    .name = "update",
    .usage = "update [OPTION...] MACHINE...",
    .summary = "Change limits, restart policy and labels of machines",
    .example = "bulkhead update --memory 2048 --restart always web",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = update,
};

}  // namespace bh::cli
