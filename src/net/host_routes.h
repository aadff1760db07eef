#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/links.h"
#include "net/state.h"

namespace bh::net {

/// A route of the host that leads to none of our networks.
struct HostRoute {
  Subnet to;
  std::string device;
};

/// All but the way out.
Result<std::vector<HostRoute>> host_routes(Links& links);

/// Errc::Exists if one leads to where the network would be: whose packets would they be?
Result<> check_routes(Network const& network, std::vector<HostRoute> const& routes);

}  // namespace bh::net
