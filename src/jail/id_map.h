#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "jail/proc_dir.h"
#include "os/unique_fd.h"

namespace bh::jail {

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
/// Refuses empty ranges, ranges over the end and ranges that overlap inside or outside.
Result<> check_id_map(std::span<IdMapping const> mappings);
/// What `inside` is outside, or -1.
std::int64_t outside_id(std::span<IdMapping const> mappings, std::uint32_t inside);

/// Writes both maps of `pid`. Without CAP_SETUID, maps beyond the caller's own id are written by
/// newuidmap(1) and newgidmap(1).
Result<> write_id_maps(int proc, pid_t pid, IdMaps const& maps);

/// Whether this process is in a user namespace other than the host's.
bool in_user_namespace(ProcDir const& proc);

/// A user namespace nobody lives in, for idmapped mounts.
Result<os::UniqueFd> make_user_namespace(int proc, IdMaps const& maps);

}  // namespace bh::jail
