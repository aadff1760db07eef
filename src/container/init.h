#pragma once

#include "base/error.h"
#include "container/create.h"
#include "container/launch/channel.h"
#include "container/launch/launch.h"
#include "jail/process.h"

namespace bh::container {

/// Joins the user and the PID namespace of config.json and makes the process from there, as a
/// child of the runtime. Returns in both.
Result<jail::Process> enter_and_clone(Launch& launch, std::uint64_t flags);

/// What the first process of a container does, from its first moment to the program.
[[noreturn]] void run_init(Launch& launch, Plan& plan, Channel channel, bool needs_help,
                           Start start);

}  // namespace bh::container
