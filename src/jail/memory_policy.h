#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::jail {

/// set_mempolicy(2): from which NUMA nodes a process gets its memory.
struct MemoryPolicy {
  int mode = 0;        // MPOL_...
  unsigned flags = 0;  // MPOL_F_..., which the kernel takes together with the mode.
  std::string nodes;   // "0-3,5"
};

/// "MPOL_INTERLEAVE" and "MPOL_F_STATIC_NODES", as config.json has them.
std::optional<int> memory_policy_mode(std::string_view name);
std::optional<unsigned> memory_policy_flag(std::string_view name);

std::vector<std::string_view> memory_policy_modes();
std::vector<std::string_view> memory_policy_flags();

/// For the calling process and what it starts.
Result<> set_memory_policy(MemoryPolicy const& policy);

}  // namespace bh::jail
