#pragma once

#include <string>

#include "base/error.h"
#include "net/state.h"

namespace bh::net {

/// What dnsmasq(8) is told of a network: to answer at its gateway for its machines and, if anything
/// may leave the network, to ask the host's name servers for the rest. `folder` holds its files.
std::string name_server_config(Network const& network, std::string const& folder);

/// hosts(5): a machine is NAME and NAME.NETWORK.
std::string names_of(State const& state, Network const& network);

/// Has a dnsmasq run for each network with `names`, each in a folder of `folder`, and none else
/// that was started so. They outlive this process, and one that ended is started again.
Result<> apply_name_servers(State const& state, std::string const& folder);

}  // namespace bh::net
