#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::machine {

/// A volume is kept under its name below ROOT/volumes, a bind is a folder of the host (of a
/// container also a file), memory is a tmpfs that goes with the run.
enum class MountKind : std::uint8_t { Volume, Bind, Memory };

/// What a machine has at a path besides its image.
struct Mount {
  MountKind kind = MountKind::Volume;
  std::string source;   // A volume's name, empty for one of its own; or an absolute path.
  std::string target;   // Absolute, without "..", and not the root.
  std::string options;  // Of memory: size=N[kmg] and mode=OCTAL.
  bool read_only = false;

  bool operator==(Mount const&) const = default;
};

/// Where something may be mounted: an absolute path, not the root and none of the kernel's, without
/// ".." and what else is too much.
Result<std::string> parse_mount_target(std::string_view text);

/// [NAME|FOLDER:]PATH[:ro|:rw], as docker's --volume. A relative FOLDER, which starts with ".", is
/// one of the working directory.
Result<Mount> parse_volume_option(std::string_view text);
/// type=volume|bind|tmpfs,source=,target=,readonly, as docker's --mount.
Result<Mount> parse_mount_option(std::string_view text);
/// PATH[:OPTIONS], as docker's --tmpfs.
Result<Mount> parse_tmpfs_option(std::string_view text);

/// More than anybody needs; and each of a microVM's folders is a device.
inline constexpr std::size_t kMostMounts = 100;
inline constexpr std::size_t kMostShares = 8;

/// In the order to mount them in: what is within another comes later. Errc::Invalid if two have the
/// same target.
Result<> order_mounts(std::vector<Mount>& mounts);

boost::json::object json_of(Mount const& mount);
Result<Mount> parse_mount(boost::json::object const& json);

}  // namespace bh::machine
