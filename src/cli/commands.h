#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace bh::cli {

/// In the order help shows them.
std::span<Command const* const> commands();

/// nullptr if there is none of that name.
Command const* find_command(std::string_view name);

/// The name of the command that `name` was probably meant to be; empty if none comes near.
std::string_view suggest_command(std::string_view name);

/// All commands, or one with its options, as help shows them.
std::string help_text();
std::string help_text(Command const& command);

/// Finds the command that `arguments` (without the program's name) start with and runs it.
/// The error of a command starts with its name.
Result<int> run_command_line(Context& context, std::span<std::string const> arguments);

/// What a person reads when that has failed.
std::string complaint(Error const& error);
/// The exit status of the program then.
int failure_status(std::span<std::string const> arguments, Error const& error);

}  // namespace bh::cli
