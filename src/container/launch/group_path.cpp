#include "container/launch/group_path.h"

#include "jail/root_dir.h"

namespace bh::container {

Result<std::string> group_path(std::string const& cgroups_path, std::string const& id) {
  std::string const path = "/" + jail::relative_path(cgroups_path.empty() ? id : cgroups_path);
  if (path == "/" || path.find("/../") != path.npos || path.ends_with("/..")) {
    return fail(Errc::Invalid, "linux.cgroupsPath: \"" + cgroups_path + "\" names no group");
  }
  if (path.find(':') != path.npos) {
    return fail(Errc::Invalid, "linux.cgroupsPath: \"" + cgroups_path +
                                   "\" is for systemd; use --systemd-cgroup, or give a path");
  }
  return path;
}

}  // namespace bh::container
