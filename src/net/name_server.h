#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/state.h"

namespace bh::net {

/// What dnsmasq(8) is told of a network: to answer at its gateway for its machines, and to ask the
/// host's name servers for what may leave: all other names, or the domains of its rules, whose
/// addresses go to the firewall's sets before anybody is told of them. `folder` holds its files;
/// `servers` are the host's, which it reads by itself if all names may leave.
std::string name_server_config(Network const& network, std::string const& folder,
                               std::vector<std::string> const& servers);

/// Whether a network's name server is to tell of such a name, or to say that there is none.
bool answers_for(Network const& network, std::string_view name);

/// hosts(5): a machine is NAME and NAME.NETWORK.
std::string names_of(State const& state, Network const& network);

/// Has a dnsmasq run for each network with `names`, each in a folder of `folder`, and none else
/// that was started so. They outlive this process, and one that ended is started again.
Result<> apply_name_servers(State const& state, std::string const& folder);

}  // namespace bh::net
