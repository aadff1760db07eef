#include "os/process_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "os/text_file.h"

namespace bh::os {

Result<ProcessUsage> process_usage(pid_t pid) {
  constexpr std::size_t kLimit = 4096;
  auto const folder = "/proc/" + std::to_string(pid);
  auto const stat = BH_TRY(read_text_at(AT_FDCWD, folder + "/stat", kLimit));
  auto const pages = BH_TRY(read_text_at(AT_FDCWD, folder + "/statm", kLimit));
  // proc(5): fields 14 to 17 of stat are ticks, field 2 of statm is resident pages.
  std::array<unsigned long, 4> ticks{};
  unsigned long resident = 0;
  int const found = std::sscanf(stat.c_str() + stat.rfind(')') + 1,
                                " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
                                &ticks[0], &ticks[1], &ticks[2], &ticks[3]) +
                    std::sscanf(pages.c_str(), "%*u %lu", &resident);
  if (found != static_cast<int>(ticks.size()) + 1) {
    return fail(Errc::Corrupt, folder + ": it is not what proc(5) says");
  }
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  auto const tick = kNanoseconds / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return ProcessUsage{.cpu = (ticks[0] + ticks[1] + ticks[2] + ticks[3]) * tick,
                      .memory = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
}

}  // namespace bh::os
