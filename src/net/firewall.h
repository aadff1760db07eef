#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "base/error.h"

namespace bh::net {

/// Runs a transaction of nftables (ruleset.h) in this process's network namespace: all of it, or
/// nothing. Needs root.
///
/// The library is loaded by the first call: programs that make no managed network do without it.
Result<> run_transaction(boost::json::object const& commands);

}  // namespace bh::net
