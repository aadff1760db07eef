#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/error.h"

namespace bh::os {

/// What a process has used, and its children that it has waited for.
struct ProcessUsage {
  std::uint64_t cpu = 0;     // Nanoseconds,
  std::uint64_t memory = 0;  // and bytes that are resident now, shared or not, without children.
};

/// Errc::NotFound if there is no such process.
Result<ProcessUsage> process_usage(pid_t pid);

}  // namespace bh::os
