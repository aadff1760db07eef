#pragma once

#include "base/error.h"
#include "jail/proc_dir.h"
#include "os/id_map.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// Whether this process is in a user namespace other than the host's.
bool in_user_namespace(ProcDir const& proc);

/// A user namespace nobody lives in, for idmapped mounts.
Result<os::UniqueFd> make_user_namespace(int proc, os::IdMaps const& maps);

}  // namespace bh::jail
