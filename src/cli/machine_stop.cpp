#include <array>

#include "cli/machines.h"
#include "machine/control/client.h"
#include "machine/signal_name.h"

namespace bh::cli {

namespace {

constexpr std::array kStopOptions{kMachineRootOption, kPatienceOption};
constexpr std::array kKillOptions{
    kMachineRootOption,
    Option{"--signal", "SIGNAL", "KILL unless said", "-s"},
};
constexpr std::array kPauseOptions{kMachineRootOption};

Result<int> stop(Context& context, Options const& options) {
  return for_each_machine(options,
                          [&](machine::Store& machines, machine::Record const& record) -> Result<> {
                            BH_TRY(stop_machine(machines, record, options));
                            context.out << record.name << "\n";
                            return {};
                          });
}

/// Asks the supervisor of each machine the same.
Result<int> ask_each(Context& context, Options const& options,
                     boost::json::object const& question) {
  return for_each_machine(options,
                          [&](machine::Store& machines, machine::Record const& record) -> Result<> {
                            BH_TRY(machine::ask(machines, record, question));
                            context.out << record.name << "\n";
                            return {};
                          });
}

Result<int> kill(Context& context, Options const& options) {
  auto const name = options.has("--signal") ? options.value("--signal") : "KILL";
  int const number = BH_TRY(machine::parse_signal(name));
  return ask_each(context, options, {{"do", "kill"}, {"signal", number}});
}

Result<int> pause(Context& context, Options const& options) {
  return ask_each(context, options, {{"do", "pause"}});
}

Result<int> resume(Context& context, Options const& options) {
  return ask_each(context, options, {{"do", "resume"}});
}

}  // namespace

constinit Command const kStop{
    .name = "stop",
    .usage = "stop [OPTION...] MACHINE...",
    .summary = "Ask machines to end, and end them",
    .example = "bulkhead stop --time 30 web db",
    .options = kStopOptions,
    .order = WordOrder::Mixed,
    .run = stop,
};

constinit Command const kKill{
    .name = "kill",
    .usage = "kill [OPTION...] MACHINE...",
    .summary = "Send machines' commands a signal",
    .example = "bulkhead kill --signal HUP web",
    .options = kKillOptions,
    .order = WordOrder::Mixed,
    .run = kill,
};

constinit Command const kPause{
    .name = "pause",
    .usage = "pause [OPTION...] MACHINE...",
    .summary = "Stop machines for a while",
    .example = "bulkhead pause web",
    .options = kPauseOptions,
    .order = WordOrder::Mixed,
    .run = pause,
};

constinit Command const kResume{
    .name = "resume",
    .usage = "resume [OPTION...] MACHINE...",
    .summary = "Let paused machines go on",
    .example = "bulkhead resume web",
    .options = kPauseOptions,
    .order = WordOrder::Mixed,
    .run = resume,
};

}  // namespace bh::cli
