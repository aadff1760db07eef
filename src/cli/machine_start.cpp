#include <array>

#include "cli/machines.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    Option{"--attach", "", "Show what it prints, and end with its status", "-a"},
    Option{"--interactive", "", "Pass standard input on", "-i"},
};

Result<> start_one(machine::Store& machines, machine::Record const& record) {
  // As with docker: that is how it shall be.
  if (record.supervisor) return {};
  return machine::start_supervisor(machines.root(), record.id, machine::Start::AtOnce);
}

Result<int> start(Context& context, Options const& options) {
  if (options.has("--attach") || options.has("--interactive")) {
    BH_TRY(need_words(options, 1, 1, "one MACHINE"));
    auto machines = BH_TRY(open_machines(options));
    auto const record = BH_TRY(machines.find(options.words()[0]));
    if (record.supervisor) {
      return fail(Errc::Busy, "machine " + record.name + " is running already (`bulkhead attach " +
                                  record.name + "`)");
    }
    return start_attached(machines, record, options.has("--interactive"));
  }
  return for_each_machine(options,
                          [&](machine::Store& machines, machine::Record const& record) -> Result<> {
                            BH_TRY(start_one(machines, record));
                            context.out << record.name << "\n";
                            return {};
                          });
}

Result<int> restart(Context& context, Options const& options) {
  return for_each_machine(options,
                          [&](machine::Store& machines, machine::Record const& record) -> Result<> {
                            BH_TRY(stop_machine(machines, record, options));
                            auto const stopped = BH_TRY(machines.find(record.id));
                            BH_TRY(start_one(machines, stopped));
                            context.out << record.name << "\n";
                            return {};
                          });
}

constexpr std::array kRestartOptions{kMachineRootOption, kPatienceOption};

}  // namespace

constinit Command const kStart{
    .name = "start",
    .usage = "start [OPTION...] MACHINE...",
    .summary = "Start machines",
    .example = "bulkhead start db",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = start,
};

constinit Command const kRestart{
    .name = "restart",
    .usage = "restart [OPTION...] MACHINE...",
    .summary = "Stop machines and start them again",
    .example = "bulkhead restart --time 5 web",
    .options = kRestartOptions,
    .order = WordOrder::Mixed,
    .run = restart,
};

}  // namespace bh::cli
