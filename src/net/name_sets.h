#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/address.h"

namespace bh::net {

/// What is in the firewall's sets of addresses that machines were told of names, by the set's name
/// (names.h).
using NameSets = std::map<std::string, std::set<Ipv4Address>>;

/// Those in what nftables says of a table's sets (libnftables-json(5)). Errc::Corrupt for what it
/// does not say.
Result<NameSets> parse_name_sets(std::string_view text);

}  // namespace bh::net
