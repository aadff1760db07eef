#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>

#include "net/state.h"

namespace bh::net {

inline constexpr char kTable[] = "bulkhead";

/// Our whole firewall as one transaction of nftables (libnftables-json(5)): tables `inet bulkhead`,
/// which filters and translates, and `bridge bulkhead`, in which a machine is what it says it is.
/// Whatever they held before is replaced at once; no other table is named. Only sets of addresses
/// that names have (policy.h) stay, with what is in them.
///
/// Every rule that decides has a counter, and what the policy calls it as its comment.
boost::json::object ruleset_of(State const& state);

/// The transaction that takes such sets away, which are there and in no rule.
boost::json::object without_sets(std::span<std::string const> names);

/// The transaction that takes both tables away, whether they are there or not.
boost::json::object empty_ruleset();

}  // namespace bh::net
