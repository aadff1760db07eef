#pragma once

#include "base/error.h"

namespace bh::jail {

/// Keeps the file of the running program out of reach of a container. Whoever is inside may open
/// /proc/PID/exe of a runtime process that has come in, or start it as "#!/proc/self/exe", and
/// would then hold the host's file. After this, that link leads to a sealed file in memory without
/// a program in it, and the program's code is mapped through a read-only mount of its own.
/// Falls back to starting the program anew from a sealed copy (when the kernel does not let us
/// change the link, as without root); returns in the new program then. Call it first, with one
/// thread only.
Result<> detach_from_own_binary(char** arguments);

}  // namespace bh::jail
