#include <unistd.h>

#include <array>
#include <cstdlib>

#include "cli/machine_definition.h"
#include "cli/machines.h"
#include "machine/control/client.h"
#include "machine/control/terminal.h"
#include "machine/supervise/exec_request.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    Option{"--tty", "", "Give the command a terminal", "-t"},
    Option{"--interactive", "", "Pass standard input on", "-i"},
    Option{"--env", "NAME=VALUE", "A variable; NAME alone takes ours; as often as needed", "-e"},
    Option{"--workdir", "DIR", "Where the command starts", "-w"},
    Option{"--user", "USER[:GROUP]", "Who it runs as", "-u"},
};

Result<int> exec(Context& /*context*/, Options const& options) {
  auto const words = options.words();
  if (words.size() < 2) return fail(Errc::Invalid, "MACHINE and COMMAND expected");
  auto machines = BH_TRY(open_machines(options));
  auto const record = BH_TRY(machines.find(words[0]));
  if (record.state == machine::State::Paused) {
    return fail(Errc::Busy,
                "machine " + record.name + " is paused (`bulkhead resume " + record.name + "`)");
  }
  auto connection = BH_TRY(machine::Connection::open(machines, record));
  machine::ExecRequest request{.terminal = options.has("--tty"),
                               .input = options.has("--interactive")};
  auto command = words.subspan(1);
  if (command[0] == "--" && command.size() > 1) command = command.subspan(1);
  request.words.assign(command.begin(), command.end());
  request.environment = BH_TRY(variables_of(options));
  if (options.has("--workdir")) request.working_folder = options.value("--workdir");
  if (options.has("--user")) request.user = options.value("--user");
  if (request.terminal) {
    request.size = machine::window_size(STDIN_FILENO);
    auto const* const kind = std::getenv("TERM");
    request.environment.insert(request.environment.begin(),
                               std::string("TERM=") + (kind != nullptr ? kind : "xterm"));
  }
  auto json = request.json();
  json["do"] = "exec";
  auto const begun = connection.ask(json);
  if (!begun) return cannot_start(begun.error());
  auto const status = BH_TRY(machine::converse(
      connection,
      {.terminal = request.terminal, .input = request.input, .pass_signals = !request.terminal}));
  return status.value_or(0);
}

}  // namespace

constinit Command const kExec{
    .name = "exec",
    .usage = "exec [OPTION...] MACHINE COMMAND [ARGUMENT...]",
    .summary = "Run another command in a running machine",
    .example = "bulkhead exec -it web sh",
    .options = kOptions,
    .run = exec,
    .failure = 125,
};

}  // namespace bh::cli
