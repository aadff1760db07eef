#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/address.h"

namespace bh::net {

/// The IPv4 addresses of a name as a name server says, or the host's if none is named; none if it
/// has none or is not to be known. Errc::Timeout if nobody answers.
Result<std::vector<Ipv4Address>> look_up(std::optional<Ipv4Address> server,
                                         std::string const& name);

}  // namespace bh::net
