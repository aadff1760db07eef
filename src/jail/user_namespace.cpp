#include "jail/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "jail/process.h"
#include "os/text_file.h"

namespace bh::jail {

bool in_user_namespace(ProcDir const& proc) {
  auto const text = proc.read("self/uid_map");
  if (!text) return false;  // A kernel without user namespaces.
  auto users = os::parse_id_map(*text);
  return !users || os::are_mapped({.users = std::move(*users), .groups = {}});
}

Result<os::UniqueFd> make_user_namespace(int proc, os::IdMaps const& maps) {
  auto process = BH_TRY(Process::clone({.flags = CLONE_NEWUSER}));
  if (process.in_child()) {
    ::pause();
    ::_exit(0);
  }
  BH_TRY(os::write_id_maps(proc, process.pid(), maps));
  return os::open_at(proc, std::to_string(process.pid()) + "/ns/user", O_RDONLY);
}

}  // namespace bh::jail
