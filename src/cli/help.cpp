#include "cli/help.h"

#include <algorithm>

#include "cli/commands.h"

namespace bh::cli {

namespace {

Result<int> help(Context& context, Options const& options) {
  if (options.words().empty()) {
    context.out << help_text();
    return 0;
  }
  Command const* command = find_command(options.words()[0]);
  if (command == nullptr) {
    return fail(Errc::NotFound, "\"" + options.words()[0] + "\" is not a command");
  }
  for (auto const& name : options.words().subspan(1)) {
    auto const inner = std::ranges::find(command->commands, name, &Command::name);
    if (inner == command->commands.end()) {
      return fail(Errc::NotFound,
                  "\"" + name + "\" is not a command of " + std::string(command->name));
    }
    command = *inner;
  }
  context.out << help_text(*command);
  return 0;
}

}  // namespace

constinit Command const kHelp{
    .name = "help",
    .usage = "help [COMMAND...]",
    .summary = "Show what there is, or how to use a command",
    .example = "bulkhead help image pull",
    .options = {},
    .run = help,
};

}  // namespace bh::cli
