#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::machine {

/// A letter or digit, then up to 62 of letters, digits and "_.-": names become host names and parts
/// of paths.
Result<> check_name(std::string_view name);

/// Two words, as in "calm_harbor".
std::string random_name();

/// 12 hexadecimal digits.
std::string random_id();

}  // namespace bh::machine
