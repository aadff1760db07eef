#pragma once

#include <boost/json/object.hpp>

#include "vmm/api/config.h"

namespace bh::vmm {

/// Configurations as Firecracker's JSON, as GET requests answer them.
boost::json::object encode(VmConfig const& config);
boost::json::object encode(MachineConfig const& machine);
boost::json::object encode(BalloonConfig const& balloon);

}  // namespace bh::vmm
