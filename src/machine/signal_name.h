#pragma once

#include <string_view>

#include "base/error.h"

namespace bh::machine {

/// A signal as people name it: "TERM", "SIGTERM", "term" or "15".
Result<int> parse_signal(std::string_view text);

}  // namespace bh::machine
