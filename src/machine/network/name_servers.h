#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bh::machine {

/// The name servers in a resolv.conf(5) that a machine elsewhere can ask, too: not those of the
/// loopback, nor of IPv6.
std::vector<std::string> name_servers_in(std::string_view text);

/// Those of this host; none if it says none.
std::vector<std::string> host_name_servers();

}  // namespace bh::machine
