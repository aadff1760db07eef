#pragma once

#include "base/error.h"
#include "jail/process.h"
#include "os/unique_fd.h"

namespace bh::container {

/// Blocks the signals that are passed on later; call it before there is a process to pass them to.
void block_signals();

/// Waits for the process, passes signals on to it, and with a valid `console` carries what is typed
/// and printed between it and our own terminal. Returns the exit status, or 128 and the signal.
Result<int> wait_in_foreground(jail::Process& process, os::UniqueFd console);

}  // namespace bh::container
