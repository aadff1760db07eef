#pragma once

#include <cstddef>

#include "base/error.h"
#include "container/launch/launch.h"
#include "os/unique_fd.h"

namespace bh::container {

/// The root file system as a tree of its own, not yet in place.
Result<os::UniqueFd> clone_root(Launch const& launch);

/// Makes launch.mounts[index] of a bind mount from its source on the host.
Result<> open_bind_source(Launch& launch, std::size_t index);

/// Makes launch.mounts[index] of a file system that has no source on the host.
Result<> make_mount(Launch& launch, std::size_t index);

/// Gives a tree the attributes and the propagation its options ask for.
Result<> apply_mount_options(int tree, jail::MountOptions const& options);

/// The tree of the container's own control groups, read-only unless the options say otherwise:
/// one mount with cgroup v2, a tmpfs full of them otherwise. `target` is in place already for the
/// latter when this returns; the descriptor is invalid then.
Result<> mount_cgroups(Launch& launch, MountSpec const& mount, int target);

}  // namespace bh::container
