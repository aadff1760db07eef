#include "init/copy.h"

#include <sys/stat.h>
#include <unistd.h>

#include "init/copy_in.h"
#include "init/copy_out.h"
#include "init/report.h"

namespace bh::init {

int copy_files(Settings const& settings) {
  if (::chdir("/") != 0) return 1;
  ::umask(0);
  auto const* const path = settings.find_text("path");
  if (path == nullptr || *path == '\0') {
    report("copy", "no path");
    return 1;
  }
  bool const out = settings.find("copy") == "out";
  return (out ? copy_out(path, settings.find("follow").has_value()) : copy_in(path, settings)) ? 0
                                                                                               : 1;
}

}  // namespace bh::init
