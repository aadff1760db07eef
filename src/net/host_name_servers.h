#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bh::net {

/// The addresses of name servers in a resolv.conf(5), of IPv4 and IPv6.
std::vector<std::string> name_servers_in(std::string_view text);

/// Those of this host; none if it says none.
std::vector<std::string> host_name_servers();

/// Of such addresses those that a machine elsewhere can ask, too: not those of the loopback, nor of
/// IPv6.
std::vector<std::string> name_servers_for_machines(std::vector<std::string> const& servers);

}  // namespace bh::net
