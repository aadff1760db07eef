#pragma once

#include <string>

#include "base/error.h"
#include "container/store.h"
#include "jail/proc_dir.h"

namespace bh::container {

/// Ends what is left of the container's processes, removes its control group and its folder, and
/// runs the poststop hooks, whose failures are only reported. The status must be known to be
/// Stopped, or the caller wants it gone.
Result<> remove_container(jail::ProcDir const& proc, Store const& store,
                          ContainerFolder const& folder, State const& state);

/// Waits until the first process has ended; Errc::Timeout after 10 seconds.
Result<> wait_for_end(jail::ProcDir const& proc, State const& state);

/// What is left of a container whose maker was killed before it had written a state: the folder,
/// and the group that config.json names, with whatever is in it.
Result<> remove_half_made(jail::ProcDir const& proc, Store const& store,
                          ContainerFolder const& folder);

}  // namespace bh::container
