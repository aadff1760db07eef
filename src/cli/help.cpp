#include "cli/help.h"

#include "cli/commands.h"

namespace bh::cli {

namespace {

Result<int> help(Context& context, Options const& options) {
  if (options.words().empty()) {
    context.out << help_text();
    return 0;
  }
  auto const& name = options.words()[0];
  auto const* const command = find_command(name);
  if (command == nullptr) return fail(Errc::NotFound, "\"" + name + "\" is not a command");
  context.out << help_text(*command);
  return 0;
}

}  // namespace

constinit Command const kHelp{
    .name = "help",
    .usage = "help [COMMAND]",
    .summary = "Show what there is, or how to use a command",
    .options = {},
    .run = help,
};

}  // namespace bh::cli
