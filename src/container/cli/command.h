#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/error.h"
#include "container/cli/arguments.h"
#include "container/spec/spec.h"
#include "container/store.h"
#include "jail/proc_dir.h"

namespace bh::container {

/// What every command gets.
struct Invocation {
  Arguments const& global;
  Arguments const& arguments;
  jail::ProcDir proc;
  Store store;

  /// The one word every command of a container has.
  Result<std::string> id() const;
};

/// One verb. Its result is the exit status.
struct Command {
  std::string_view name;
  std::string_view words;  // "ID SIGNAL"
  std::string_view help;
  std::string_view example;  // A line that would work, as people type it.
  std::span<Option const> options;
  Arguments::Rest rest = Arguments::Rest::Options;
  std::size_t most_words = 1;
  Result<int> (*run)(Invocation invocation);
};

/// How many descriptors from the third on are meant for the program: --preserve-fds, and those of
/// socket activation (LISTEN_FDS).
Result<int> preserved_descriptors(Arguments const& arguments);

/// --private-env FILE, not of the specification: variables of the process, each ended with NUL,
/// that are kept nowhere.
Result<> add_private_environment(Arguments const& arguments, ProcessSpec& process);

std::span<Command const* const> commands();

extern Command const kCreateCommand, kRunCommand, kStartCommand, kStateCommand, kKillCommand,
    kDeleteCommand, kExecCommand, kPsCommand, kListCommand, kPauseCommand, kResumeCommand,
    kUpdateCommand, kEventsCommand, kFeaturesCommand, kSpecCommand, kCheckpointCommand,
    kRestoreCommand;

/// The whole program: the exit status of the process.
int run_program(int argc, char** argv);

}  // namespace bh::container
