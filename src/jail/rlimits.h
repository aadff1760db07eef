#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::jail {

/// A limit of getrlimit(2). ~0 means none.
struct Rlimit {
  int resource = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

/// "RLIMIT_NOFILE" to its number.
std::optional<int> rlimit_number(std::string_view name);
std::string_view rlimit_name(int resource);

/// Sets them for the calling process.
Result<> set_rlimits(std::vector<Rlimit> const& limits);

}  // namespace bh::jail
