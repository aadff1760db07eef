#pragma once

#include <span>
#include <string>
#include <string_view>

#include "guest_runner.h"

namespace bh::guest_test {

/// An engine the tests run on.
struct GuestEngine {
  std::string_view name;
  MakeEngine make;
  /// Why the engine is not there at all, or empty.
  std::string (*absence)();
  /// Why it may give up on code that an ordinary kernel contains, or empty.
  std::string (*weakness)();
};

std::span<GuestEngine const> guest_engines();

}  // namespace bh::guest_test
