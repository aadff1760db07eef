#include "init/idle.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "init/report.h"

namespace bh::init {

namespace {

struct Setting {
  char const* path;
  char const* value;
};

// Memory is compacted every half a second against a need of huge pages that small machines do not
// have, and counters of memory are summed up every second for nobody.
constexpr std::array kSettings{
    Setting{"/proc/sys/vm/compaction_proactiveness", "0"},
    Setting{"/proc/sys/vm/stat_interval", "60"},
};

}  // namespace

void let_kernel_sleep() {
  for (auto const& [path, value] : kSettings) {
    int const file = ::open(path, O_WRONLY | O_CLOEXEC);
    // Not every kernel has it.
    if (file < 0) continue;
    if (::write(file, value, std::strlen(value)) < 0) report_errno("write", path, errno);
    ::close(file);
  }
}

}  // namespace bh::init
