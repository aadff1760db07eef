#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::jail {

/// Whose mapping an idmapped mount has.
enum class IdMapped : std::uint8_t { No, Mount, Tree };

/// How far a bind mount reaches.
enum class Bind : std::uint8_t { No, Mount, Tree };

/// A change of propagation: MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE.
struct Propagation {
  std::uint64_t type = 0;
  bool recursive = false;
};

/// The options of one mount of config.json, taken apart.
struct MountOptions {
  Bind bind = Bind::No;
  IdMapped id_mapped = IdMapped::No;
  bool copy_up = false;  // tmpcopyup: a tmpfs starts with what lay below it.
  bool remount = false;
  /// MOUNT_ATTR_... of the mount itself, and of all below it (the options with an r in front).
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  std::uint64_t set_tree = 0;
  std::uint64_t clear_tree = 0;
  std::vector<Propagation> propagation;
  /// Of the file system: "sync", "size=64k". Flags have no "=".
  std::vector<std::string> data;
};

/// Fails for options that contradict each other; what is not known belongs to the file system.
Result<MountOptions> parse_mount_options(std::span<std::string const> options);

/// Every option that is not the file system's, for `features`.
std::vector<std::string_view> known_mount_options();

/// "private", "rslave" and so on; Errc::Invalid for other words.
Result<Propagation> parse_propagation(std::string_view word);

}  // namespace bh::jail
