#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "jail/cgroup/cgroup.h"
#include "jail/proc_dir.h"

namespace bh::container {

enum class Status : std::uint8_t { Creating, Created, Running, Paused, Stopped };

std::string_view status_name(Status status);

/// What is kept of a container between calls of the runtime.
struct State {
  std::string id;
  std::string version;  // ociVersion of config.json.
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // Of the process, field 22 of /proc/PID/stat: pids are used again.
  std::string bundle;
  std::string rootfs;
  std::string created;  // RFC 3339.
  std::uint32_t owner = 0;
  bool terminal = false;
  std::vector<jail::Cgroup::Folder> cgroup;
  std::string unit;  // Of systemd, if it has made the group; else empty.
  std::map<std::string, std::string> annotations;

  /// The JSON of state.json.
  std::string text() const;
  static Result<State> parse(std::string_view text);
};

/// The "state" of the specification: what `state` prints and hooks read.
std::string state_json(State const& state, Status status);

/// Field 22 of /proc/PID/stat, and whether the process has ended but was not waited for.
struct ProcessTimes {
  std::uint64_t start_time = 0;
  bool zombie = false;
};
Result<ProcessTimes> process_times(jail::ProcDir const& proc, pid_t pid);

/// Now, as RFC 3339 with nanoseconds.
std::string timestamp();

}  // namespace bh::container
