#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "jail/mount_options.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// Mounts as descriptors: made apart from the tree, given their attributes, and only then put in
/// place, so that no path is looked up twice. Linux 5.12 or newer (mount_setattr).

/// A copy of what is mounted at `path`, relative to `folder`; `path` may be empty for `folder`.
Result<os::UniqueFd> clone_tree(int folder, std::string const& path, Bind reach);

/// A new file system. `data` as in MountOptions; `attributes` are MOUNT_ATTR_...
Result<os::UniqueFd> make_file_system(std::string const& type, std::string const& source,
                                      std::span<std::string const> data, std::uint64_t attributes);

enum class Reach : std::uint8_t { Mount, Tree };

Result<> change_attributes(int mount, std::uint64_t set, std::uint64_t clear, Reach reach);
Result<> change_propagation(int mount, Propagation const& propagation);
/// Only before the mount is in place.
Result<> map_ids(int mount, os::UniqueFd const& user_namespace, Reach reach);

/// Puts `mount` over what the descriptor `target` names. `mount` then refers to the mounted root.
Result<> attach(int mount, int target);

}  // namespace bh::jail
