#pragma once

#include <string>

#include "base/error.h"
#include "jail/cgroup/resources.h"
#include "jail/systemd/dbus.h"

namespace bh::jail {

/// The unit of systemd that is a container's control group.
struct SystemdUnit {
  std::string name;   // "engine-id.scope"
  std::string slice;  // "machine.slice"; empty for systemd's default.
};

/// linux.cgroupsPath for systemd: "slice:prefix:name", any part of which may be empty. The unit is
/// prefix-name.scope. Without a path it is bulkhead-ID.scope.
Result<SystemdUnit> systemd_unit(std::string const& cgroups_path, std::string const& id);

/// Appends the limits as properties of a unit, each a structure (sv), so that systemd does not set
/// others when it next touches the group.
void append_unit_limits(Resources const& resources, DbusWriter& out);

/// One property each.
void append_property(DbusWriter& out, std::string_view name, std::string_view value);
void append_property(DbusWriter& out, std::string_view name, bool value);
void append_property(DbusWriter& out, std::string_view name, std::uint64_t value);

}  // namespace bh::jail
