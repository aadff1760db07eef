#pragma once

#include <optional>

#include "base/error.h"
#include "container/launch/launch.h"
#include "jail/process.h"
#include "os/unique_fd.h"

namespace bh::container {

enum class Start : std::uint8_t { OnCommand, AtOnce };

/// Makes the container: its process exists and either waits for `start`, or runs the program.
/// On failure nothing is left of it.
Result<jail::Process> create_container(Launch& launch, Plan& plan, Start start);

/// Lets the process of a created container go on, and runs the poststart hooks.
Result<> start_container(jail::ProcDir const& proc, Store const& store, std::string const& id);

}  // namespace bh::container
