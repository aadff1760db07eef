#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "machine/definition.h"
#include "machine/wiring.h"

namespace bh::machine {

// The card of a machine in a user network (docs/design/networks.md), the same for all machines.

/// Whether a machine that is in no managed network has one.
bool has_user_card(NetworkKind network, std::vector<net::PublishedPort> const& ports);

/// As bulkhead-vmm and bulkhead-usernet read it.
boost::json::object user_card(NetworkKind network, std::vector<net::PublishedPort> const& ports);

/// What the machine would learn of it by DHCP.
Wiring user_wiring(NetworkKind network);

}  // namespace bh::machine
