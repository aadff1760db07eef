#pragma once

#include <string>

#include "jail/cgroup/cgroup.h"

namespace bh::container {

/// What a container uses, as the JSON that `events --stats` prints. What the host cannot tell is
/// left out.
std::string stats_json(jail::Cgroup const& group);

}  // namespace bh::container
