#pragma once

#include "base/error.h"
#include "net/published_port.h"

namespace bh::net {

/// Whether a port of the host can be published: Errc::Busy if a program listens there, whose
/// clients would silently reach the machine instead; Errc::Io if the address is none of the host's.
Result<> check_free(PublishedPort const& port);

}  // namespace bh::net
