#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "cli/command.h"
#include "cli/image_options.h"
#include "machine/control/conversation.h"
#include "machine/control/start.h"
#include "machine/store/store.h"

namespace bh::cli {

// Commands about machines that are kept, a file each.
extern Command const kCreate, kStart, kStop, kKill, kRestart, kPause, kResume, kRm, kPs, kInspect,
    kLogs, kWait, kAttach, kRename, kExec, kStats, kEvents, kUpdate, kCp;

inline constexpr Option kMachineRootOption{
    "--root", "DIR", "Where machines and images are kept, instead of the usual place"};
inline constexpr Option kPatienceOption{
    "--time", "SECONDS", "How long the command may take to end; 10 unless said", "-t"};

/// The machines, brought together with what runs.
Result<machine::Store> open_machines(Options const& options);

/// Does the same to each machine that the words name. One that fails is said on standard error and
/// keeps nobody from the others; the exit status is then 1.
Result<int> for_each_machine(
    Options const& options,
    std::function<Result<>(machine::Store&, machine::Record const&)> const& action);

/// Starts a machine with us at its console: its command's exit status.
Result<int> start_attached(machine::Store& machines, machine::Record const& record, bool input);
/// What `run` and `start` end with when the machine could not start: 126 and 127 are about its
/// command, all else is an error of ours.
Result<int> cannot_start(Error const& error);

/// Asks for its end, and waits for it.
Result<> stop_machine(machine::Store& machines, machine::Record const& record,
                      Options const& options);

/// "a1b2c3d4e5f6 web": how to say which machine.
Error about(machine::Record const& record, Error error);

}  // namespace bh::cli
