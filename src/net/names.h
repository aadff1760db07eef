#pragma once

#include <string>
#include <string_view>

#include "net/address.h"
#include "net/domain_pattern.h"

namespace bh::net {

/// Names of our network devices are these and 11 hexadecimal digits: a network's bridge on the
/// host, and the host's end of a machine's card. No other device is ever touched.
inline constexpr char kBridgePrefix[] = "bhb";
inline constexpr char kLinkPrefix[] = "bhm";

/// The same for the same name, ever.
std::string bridge_name(std::string_view network);
std::string link_name(std::string_view machine, std::string_view network);
MacAddress mac_of(std::string_view id);

bool is_our_bridge(std::string_view device);
bool is_our_link(std::string_view device);

/// The firewall's set of addresses that names have for a network (policy.h).
inline constexpr char kNameSetPrefix[] = "names_";
std::string name_set(std::string_view network, DomainPattern const& pattern);

/// Of networks and machines: 1 to 32 letters, digits, '.', '_' and '-', the first a letter or
/// digit.
Result<> check_name(std::string_view name);

}  // namespace bh::net
