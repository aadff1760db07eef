#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "jail/cgroup/resources.h"

namespace bh::jail {

/// One write to a file of a control group.
struct CgroupSetting {
  std::string controller;  // Whose tree has the file (v1), or what must be enabled (v2).
  std::string file;
  std::string value;

  friend bool operator==(CgroupSetting const&, CgroupSetting const&) = default;
};

/// What to write, in this order. Errc::Unsupported for limits that this version of control groups
/// has no file for.
Result<std::vector<CgroupSetting>> settings_v1(Resources const& resources);
Result<std::vector<CgroupSetting>> settings_v2(Resources const& resources);

/// "c 1:3 rwm", a line of devices.allow.
std::string device_line(DeviceRule const& rule);

}  // namespace bh::jail
