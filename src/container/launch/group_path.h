#pragma once

#include <string>

#include "base/error.h"

namespace bh::container {

/// Where the groups of a container are below the mount points of the hierarchies, "/a/b":
/// linux.cgroupsPath of config.json, or its id. Errc::Invalid for what names no group.
/// Relative paths are below the mount points too: the caller's own group may have limits that are
/// none of the container's, and with cgroup v2 it cannot have groups below it.
Result<std::string> group_path(std::string const& cgroups_path, std::string const& id);

}  // namespace bh::container
