#pragma once

#include <cstdint>
#include <string>

namespace bh::machine {

/// Milliseconds since 1970, UTC; 0 means never.
using Time = std::int64_t;

Time now();

/// RFC 3339 with milliseconds; of never docker's "0001-01-01T00:00:00Z".
std::string rfc3339(Time time);

}  // namespace bh::machine
