#pragma once

#include <cstdint>

#include "base/error.h"

namespace bh::os {

/// Bytes of RAM this host has, used or not, without swap.
Result<std::uint64_t> host_memory();

}  // namespace bh::os
