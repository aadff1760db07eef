#include "os/host_memory.h"

#include <sys/sysinfo.h>

#include <cerrno>

namespace bh::os {

Result<std::uint64_t> host_memory() {
  struct sysinfo info{};
  if (::sysinfo(&info) != 0) return fail_errno("sysinfo", errno);
  return std::uint64_t{info.totalram} * info.mem_unit;
}

}  // namespace bh::os
