#pragma once

#include "init/arguments.h"
#include "init/settings.h"

namespace bh::init {

/// Finds the command this machine is for: the file /.bulkhead/command (words that end with NUL),
/// else bulkhead.run= on the kernel command line (see parse_percent_encoded), else a shell.
///
/// Needs /proc. False, having said why on the console, when a command is there but unreadable: a
/// shell in its place would look like success.
bool find_command(Arguments& out);

/// A child's last steps before it is another program: its working folder, made if it is not there,
/// and its user, of `settings` or else of `machine`. False: it has said why it cannot be.
bool settle_in(Settings const& settings, Settings const& machine);

/// Runs `command`, as the user and in the folder of `settings`, in a session of its own on the
/// console, or
/// with its standard files at the host (`session` of the settings), reaps every orphan meanwhile,
/// and returns its exit status: 128 plus the signal that ended it, 127 when there is no such
/// program, 126 when it cannot be executed, 125 when there could be no process.
int run_command(Arguments const& command, Settings const& settings);

}  // namespace bh::init
