#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ranges>
#include <utility>
#include <vector>

#include "cli/help.h"
#include "cli/image.h"
#include "cli/machines.h"
#include "cli/net.h"
#include "cli/network.h"
#include "cli/run.h"
#include "cli/secret.h"
#include "cli/version.h"
#include "cli/volume.h"

namespace bh::cli {

namespace {

// One row here is all a new command needs.
constexpr std::array kCommands{
    &kRun,    &kCreate,  &kStart, &kStop,   &kKill,   &kRestart, &kPause, &kResume,  &kRm,
    &kPs,     &kInspect, &kLogs,  &kWait,   &kAttach, &kRename,  &kExec,  &kStats,   &kEvents,
    &kUpdate, &kCp,      &kImage, &kVolume, &kSecret, &kNetwork, &kNet,   &kVersion, &kHelp};

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

using Table = std::span<Command const* const>;

Command const* find(Table table, std::string_view name) {
  auto const found = std::ranges::find(table, name, &Command::name);
  return found == table.end() ? nullptr : *found;
}

std::string_view suggest(Table table, std::string_view name) {
  auto const near = [name](Command const* command) { return distance(name, command->name); };
  auto const* const best = *std::ranges::min_element(table, {}, near);
  return near(best) <= kNearEnough ? best->name : std::string_view();
}

std::string list_of(Table table) {
  std::string text;
  for (auto const* const command : table) {
    text += fmt::format("  {:<10} {}\n", command->name, command->summary);
  }
  return text;
}

bool asks_for_help(std::span<std::string const> arguments) {
  return !arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h");
}

/// `path` is what was typed so far: "image ls".
Result<int> run_command(Context& context, Command const& command, std::string const& path,
                        std::span<std::string const> arguments) {
  if (asks_for_help(arguments)) {
    context.out << help_text(command);
    return 0;
  }
  auto const options = parse_options(command.options, arguments, command.order);
  if (!options) {
    return fail(Errc::Invalid,
                fmt::format("{}: {}; see `bulkhead help {}`", path, options.error().message, path));
  }
  auto status = command.run(context, *options);
  if (!status) return std::unexpected(std::move(status).error().while_doing(path));
  return status;
}

/// Finds the command that `arguments` start with in `table`, and in its own, and runs it.
Result<int> dispatch(Context& context, Table table, std::string const& path,
                     std::span<std::string const> arguments) {
  auto const& name = arguments[0] == "--version" && path.empty() ? "version" : arguments[0];
  auto const* const command = find(table, name);
  if (command == nullptr) {
    auto const suggestion = suggest(table, name);
    auto const help = path.empty() ? "`bulkhead help`" : "`bulkhead help " + path + "`";
    return fail(Errc::Invalid, suggestion.empty()
                                   ? fmt::format("\"{}\" is not a command; see {}", name, help)
                                   : fmt::format("\"{}\" is not a command; did you mean \"{}\"?",
                                                 name, suggestion));
  }
  auto const here = path.empty() ? name : path + " " + name;
  auto const rest = arguments.subspan(1);
  if (command->commands.empty()) return run_command(context, *command, here, rest);
  if (rest.empty() || asks_for_help(rest)) {
    context.out << help_text(*command);
    return rest.empty() ? 1 : 0;
  }
  auto status = dispatch(context, command->commands, here, rest);
  if (!status && find(command->commands, rest[0]) == nullptr) {
    return std::unexpected(std::move(status).error().while_doing(here));
  }
  return status;
}

}  // namespace

std::span<Command const* const> commands() {
  return kCommands;
}

Command const* find_command(std::string_view name) {
  return find(kCommands, name);
}

std::string_view suggest_command(std::string_view name) {
  return suggest(kCommands, name);
}

std::string help_text() {
  return "Runs workloads in watertight compartments: microVMs and containers.\n\n"
         "Usage: bulkhead COMMAND ...\n\n" +
         list_of(kCommands) +
         "\n`bulkhead help COMMAND` shows a command's options.\n\n"
         "Example:\n  bulkhead run --rm debian:12 uname -a\n";
}

std::string help_text(Command const& command) {
  auto text = fmt::format("{}\n\nUsage: bulkhead {}\n", command.summary, command.usage);
  if (!command.commands.empty()) text += "\n" + list_of(command.commands);
  if (!command.options.empty()) text += '\n';
  for (auto const& option : command.options) {
    auto const letter = option.letter.empty() ? "" : fmt::format("{}, ", option.letter);
    text += fmt::format("  {:<18} {}\n", fmt::format("{}{} {}", letter, option.name, option.value),
                        option.help);
  }
  text += "\nExample:\n";
  for (auto const line : std::views::split(command.example, '\n')) {
    text += fmt::format("  {}\n", std::string_view(line.begin(), line.end()));
  }
  return text;
}

Result<int> run_command_line(Context& context, std::span<std::string const> arguments) {
  if (arguments.empty() || asks_for_help(arguments)) {
    context.out << help_text();
    return arguments.empty() ? 1 : 0;
  }
  return dispatch(context, kCommands, "", arguments);
}

std::string complaint(Error const& error) {
  // In the system's words, and SQLite's (sqlite3_errstr).
  auto const is = [&](std::string_view words) { return error.message.ends_with(words); };
  if (is(std::strerror(ENOSPC)) || is(std::strerror(EDQUOT)) || is("database or disk is full")) {
    return error.message + " (free some: bulkhead image prune, bulkhead rm; or use another --root)";
  }
  return error.message;
}

int failure_status(std::span<std::string const> arguments, Error const& error) {
  constexpr int kBadArguments = 2;
  auto const* const command = arguments.empty() ? nullptr : find(kCommands, arguments[0]);
  if (command != nullptr && command->failure != 0) return command->failure;
  return error.code == Errc::Invalid ? kBadArguments : 1;
}

}  // namespace bh::cli
