#pragma once

#include <vector>

#include "base/error.h"
#include "net/published_port.h"
#include "os/unique_fd.h"

namespace bh::net {

/// Ports of the host that nobody else has, as long as these are open.
using HeldPorts = std::vector<os::UniqueFd>;

/// Takes a port that is to be published: who asks for it later is told that it is in use.
/// Errc::Busy if it is somebody's already, whose clients would silently reach the machine instead;
/// Errc::Io if the address is none of the host's. Who connects before the firewall leads elsewhere
/// hears nothing, and tries again.
Result<os::UniqueFd> hold_port(PublishedPort const& port);

}  // namespace bh::net
