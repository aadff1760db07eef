#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "cli/help.h"
#include "cli/run.h"
#include "cli/version.h"

namespace bh::cli {

namespace {

// One row here is all a new command needs.
constexpr std::array kCommands{&kRun, &kVersion, &kHelp};

// Further away a suggestion confuses more than it helps.
constexpr std::size_t kNearEnough = 2;

/// Letters to insert, drop or change to make one word the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

std::span<Command const* const> commands() {
  return kCommands;
}

Command const* find_command(std::string_view name) {
  auto const found = std::ranges::find(kCommands, name, &Command::name);
  return found == kCommands.end() ? nullptr : *found;
}

std::string_view suggest_command(std::string_view name) {
  auto const near = [name](Command const* command) { return distance(name, command->name); };
  auto const* const best = *std::ranges::min_element(kCommands, {}, near);
  return near(best) <= kNearEnough ? best->name : std::string_view();
}

std::string help_text() {
  std::string text =
      "Runs workloads in microVMs, each with a kernel of its own.\n\nUsage: bulkhead COMMAND "
      "...\n\n";
  for (auto const* const command : commands()) {
    text += fmt::format("  {:<10} {}\n", command->name, command->summary);
  }
  return text + "\n`bulkhead help COMMAND` shows a command's options.\n";
}

std::string help_text(Command const& command) {
  auto text = fmt::format("{}\n\nUsage: bulkhead {}\n", command.summary, command.usage);
  if (!command.options.empty()) text += '\n';
  for (auto const& option : command.options) {
    text +=
        fmt::format("  {:<18} {}\n", fmt::format("{} {}", option.name, option.value), option.help);
  }
  return text;
}

Result<int> run_command_line(Context& context, std::span<std::string const> arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    context.out << help_text();
    return arguments.empty() ? 1 : 0;
  }
  auto const& name = arguments[0] == "--version" ? std::string("version") : arguments[0];
  auto const* const command = find_command(name);
  if (command == nullptr) {
    auto const suggestion = suggest_command(name);
    return fail(
        Errc::Invalid,
        suggestion.empty()
            ? fmt::format("\"{}\" is not a command; see `bulkhead help`", name)
            : fmt::format("\"{}\" is not a command; did you mean \"{}\"?", name, suggestion));
  }
  auto const rest = arguments.subspan(1);
  if (!rest.empty() && (rest[0] == "--help" || rest[0] == "-h")) {
    context.out << help_text(*command);
    return 0;
  }
  auto const options = parse_options(command->options, rest);
  if (!options) {
    return fail(Errc::Invalid,
                fmt::format("{}: {}; see `bulkhead help {}`", name, options.error().message, name));
  }
  auto status = command->run(context, *options);
  if (!status) return std::unexpected(std::move(status).error().while_doing(name));
  return status;
}

}  // namespace bh::cli
