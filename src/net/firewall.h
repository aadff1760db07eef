#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "base/error.h"
#include "net/name_sets.h"

namespace bh::net {

/// Runs a transaction of nftables (ruleset.h) in this process's network namespace: all of it, or
/// nothing. Needs root.
///
/// The library is loaded by the first call: programs that make no managed network do without it.
Result<> run_transaction(boost::json::object const& commands);

/// What is in the sets of addresses that names have, in this process's network namespace; nothing
/// if there is no firewall of ours. Needs root.
Result<NameSets> name_sets();

}  // namespace bh::net
