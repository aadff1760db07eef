#pragma once

#include "init/settings.h"

namespace bh::init {

/// Starts a process that runs commands for the host (docs/design/machines.md), each in a session of
/// its own. `settings` are the machine's. Without vsock there is none.
void start_agent(Settings const& settings);

}  // namespace bh::init
