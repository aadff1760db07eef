#pragma once

#include <string>

#include "base/error.h"
#include "container/spec/spec.h"

namespace bh::container {

/// Whether a container may set it: only what belongs to a namespace of its own, and with a name and
/// value that can mean nothing else.
Result<> check_sysctl(std::string const& name, std::string const& value, LinuxSpec const& spec);

/// "net.ipv4.ip_forward" or "net/ipv4/ip_forward" to "sys/net/ipv4/ip_forward", below /proc.
std::string sysctl_path(std::string const& name);

}  // namespace bh::container
