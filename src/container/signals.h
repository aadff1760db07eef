#pragma once

#include <string_view>

#include "base/error.h"

namespace bh::container {

/// "9", "KILL", "SIGKILL", "sigkill", "RTMIN+3".
Result<int> parse_signal(std::string_view text);

}  // namespace bh::container
