#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::jail {

/// One tree of control groups as it is mounted.
struct CgroupHierarchy {
  bool unified = false;                  // cgroup v2.
  std::vector<std::string> controllers;  // v1: "cpu"; a named tree has "name=systemd".
  std::string mount_point;
  std::string own_path;  // Of this process, below the mount point: "/" or "/a/b".

  bool has(std::string_view controller) const;
};

/// The trees of this host: cgroup v2 alone, v1 alone, or both (hybrid).
struct CgroupHierarchies {
  std::vector<CgroupHierarchy> all;

  CgroupHierarchy const* unified() const;
  /// The v1 tree of a controller, or nothing.
  CgroupHierarchy const* legacy(std::string_view controller) const;
  bool has_legacy() const;
};

/// From the texts of /proc/self/mountinfo and /proc/self/cgroup.
CgroupHierarchies parse_hierarchies(std::string_view mountinfo, std::string_view own);

}  // namespace bh::jail
