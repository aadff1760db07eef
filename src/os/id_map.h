#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::os {

/// A range of user or group ids inside a user namespace and what they are outside.
struct IdMapping {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;

  friend bool operator==(IdMapping const&, IdMapping const&) = default;
};

struct IdMaps {
  std::vector<IdMapping> users;
  std::vector<IdMapping> groups;
};

/// The text of /proc/PID/uid_map.
std::string id_map_text(std::span<IdMapping const> mappings);
/// The same, read. Errc::Corrupt for what the kernel would not write.
Result<std::vector<IdMapping>> parse_id_map(std::string_view text);
/// Refuses empty ranges, ranges over the end and ranges that overlap inside or outside.
Result<> check_id_map(std::span<IdMapping const> mappings);
/// What `inside` is outside, or -1.
std::int64_t outside_id(std::span<IdMapping const> mappings, std::uint32_t inside);

/// Writes both maps of `pid`, `proc` being /proc. Without CAP_SETUID, maps beyond the caller's own
/// id are written by newuidmap(1) and newgidmap(1).
Result<> write_id_maps(int proc, pid_t pid, IdMaps const& maps);
/// Where newuidmap(1) or newgidmap(1) is; empty if it is nowhere.
std::string id_map_helper(std::string const& name);

/// Those of this process.
Result<IdMaps> own_id_maps();
/// Whether they are of a user namespace that is not the host's.
bool are_mapped(IdMaps const& maps);

}  // namespace bh::os
