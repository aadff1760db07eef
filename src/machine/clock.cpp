#include "machine/clock.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

namespace bh::machine {

Time now() {
  auto const since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::string rfc3339(Time time) {
  constexpr Time kPerSecond = 1000;
  if (time == 0) return "0001-01-01T00:00:00Z";
  std::time_t const seconds = time / kPerSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     time % kPerSecond);
}

}  // namespace bh::machine
