#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/error.h"

namespace bh::os {

/// A process that cannot be taken for a later one with the same number.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // Field 22 of /proc/PID/stat: clock ticks since boot.

  bool operator==(ProcessIdentity const&) const = default;
};

/// Of a process as /proc shows it, which may be another pid namespace's view than our own.
Result<ProcessIdentity> identity_of(pid_t pid);
Result<ProcessIdentity> own_identity();

/// Whether it still runs; one that has ended and was not waited for does not.
bool lives(ProcessIdentity const& process);
/// Whether it was killed and has not ended yet.
bool is_dying(ProcessIdentity const& process);

}  // namespace bh::os
