#pragma once

#include <chrono>
#include <string_view>

#include "base/error.h"

namespace bh {

inline constexpr std::chrono::milliseconds kLongestDuration{86'400'000};

/// "1m30s", "500ms", "2h": as docker writes durations. From 1 ms to a day.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace bh
