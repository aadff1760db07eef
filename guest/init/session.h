#pragma once

#include "init/arguments.h"
#include "init/settings.h"

namespace bh::init {

/// Runs a command whose standard files are at the other end of a stream (machine/wire/protocol.h),
/// and tells there how it ended.
struct SessionCommand {
  Arguments const& command;
  Settings const& settings;  // Of the session: terminal, size, input, env; folder and user if said.
  Settings const& machine;   // Else folder and user are the machine's.
};

/// `socket` does not block. Returns the command's exit status, as run_command() has it, when the
/// host has heard of it. In a process of its own: it starts one child.
int serve_session(int socket, SessionCommand const& what);

}  // namespace bh::init
