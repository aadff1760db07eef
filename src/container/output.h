#pragma once

#include <string_view>

#include "base/error.h"

namespace bh::container {

/// Writes all of it to standard output.
Result<> print(std::string_view text);

}  // namespace bh::container
