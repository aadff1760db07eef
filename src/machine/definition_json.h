#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "base/error.h"
#include "machine/definition.h"

namespace bh::machine {

/// A definition as it is kept and shown. What was not said is not in it.
boost::json::object json_of(Definition const& definition);

/// Errc::Corrupt if it is none; members that are not known are ignored.
Result<Definition> parse_definition(std::string_view text);

}  // namespace bh::machine
