#pragma once

#include <vector>

#include "base/error.h"
#include "cli/command.h"
#include "machine/store/record.h"

namespace bh::cli {

/// The machines of the same root, whatever they do now: their images stay. A root that never had
/// one has none. What is decided by them needs image::lock_names(), which who makes a machine
/// has, too.
Result<std::vector<machine::Record>> image_users(Options const& options);

}  // namespace bh::cli
