#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "base/error.h"
#include "net/state.h"

namespace bh::net {

/// A state as a document; docs/design/networks.md shows one.
boost::json::object json_of(State const& state);
boost::json::object json_of(Network const& network);

/// Errc::Invalid, with the member's path, for what is none; members that are not known are none.
/// What it returns is checked (state.h).
Result<State> parse_state(std::string_view text);
Result<Network> parse_network(std::string_view text);

}  // namespace bh::net
