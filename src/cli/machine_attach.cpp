#include <unistd.h>

#include <array>

#include "cli/machines.h"
#include "image/json.h"
#include "machine/control/client.h"
#include "machine/control/terminal.h"

namespace bh::cli {

namespace {

constexpr std::array kAttachOptions{
    kMachineRootOption,
    Option{"--no-stdin", "", "Only look"},
    Option{"--replay", "", "First what it has printed lately, 64 KiB at most"},
};
constexpr std::array kWaitOptions{kMachineRootOption};

Result<int> attach(Context& /*context*/, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "one MACHINE"));
  auto machines = BH_TRY(open_machines(options));
  auto const record = BH_TRY(machines.find(options.words()[0]));
  auto connection = BH_TRY(machine::Connection::open(machines, record));
  bool const terminal = record.definition.terminal;
  bool const input = record.definition.keep_input && !options.has("--no-stdin");
  auto const size = terminal ? machine::window_size(STDIN_FILENO) : machine::wire::WindowSize{};
  BH_TRY(connection.ask({{"do", "attach"},
                         {"input", input},
                         {"replay", options.has("--replay")},
                         {"rows", size.rows},
                         {"columns", size.columns}}));
  auto const status = BH_TRY(machine::converse(
      connection, {.terminal = terminal, .input = input, .pass_signals = !terminal}));
  return status.value_or(0);
}

Result<int> wait(Context& context, Options const& options) {
  return for_each_machine(options,
                          [&](machine::Store& machines, machine::Record const& record) -> Result<> {
                            auto const end = [&](machine::Record const& ended) {
                              context.out << ended.exit_status.value_or(0) << std::endl;
                            };
                            if (!record.supervisor) {
                              end(record);
                              return {};
                            }
                            auto const answer = machine::ask(machines, record, {{"do", "wait"}});
                            if (!answer) {
                              // It may just have been leaving.
                              auto const left = machines.find(record.id);
                              if (!left || left->supervisor) return std::unexpected(answer.error());
                              end(*left);
                              return {};
                            }
                            auto const status = BH_TRY(image::number_member(*answer, "status"));
                            context.out << status << std::endl;
                            return {};
                          });
}

}  // namespace

constinit Command const kAttach{
    .name = "attach",
    .usage = "attach [OPTION...] MACHINE",
    .summary = "Come to a running machine's console; Ctrl-P Ctrl-Q leaves it",
    .example = "bulkhead attach web",
    .options = kAttachOptions,
    .order = WordOrder::Mixed,
    .run = attach,
};

constinit Command const kWait{
    .name = "wait",
    .usage = "wait [OPTION...] MACHINE...",
    .summary = "Wait until machines end and print their exit status",
    .example = "bulkhead wait web",
    .options = kWaitOptions,
    .order = WordOrder::Mixed,
    .run = wait,
};

}  // namespace bh::cli
