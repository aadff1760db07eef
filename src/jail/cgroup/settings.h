#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "jail/cgroup/resources.h"

namespace bh::jail {

/// One write to a file of a control group.
struct CgroupSetting {
  std::string controller;  // Whose tree has the file (v1), or what must be enabled (v2).
  std::string file;
  std::string value;
  std::string otherwise = {};  // Another file that means the same, for kernels without the first.
  std::string otherwise_value = {};

  friend bool operator==(CgroupSetting const&, CgroupSetting const&) = default;
};

/// The limits that go to v1 trees, and those that go to the one of v2.
struct SplitResources {
  Resources legacy;
  Resources unified;
};

/// `is_legacy` says of a controller whether its tree is one of v1. What no tree has goes to the
/// version that the host's memory controller has.
SplitResources split_resources(Resources const& resources,
                               std::function<bool(std::string_view)> const& is_legacy);

/// What to write, in this order. Errc::Unsupported for limits that this version of control groups
/// has no file for.
Result<std::vector<CgroupSetting>> settings_v1(Resources const& resources);
Result<std::vector<CgroupSetting>> settings_v2(Resources const& resources);

/// cpu.weight, 1 to 10000, for shares of v1, 2 to 262144.
std::uint64_t cpu_weight(std::uint64_t shares);

/// "c 1:3 rwm", a line of devices.allow.
std::string device_line(DeviceRule const& rule);

}  // namespace bh::jail
