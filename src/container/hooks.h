#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "container/spec/spec.h"

namespace bh::container {

/// Runs hooks in their order, each with `state` on its standard input and no environment but its
/// own. The first that fails, or takes longer than its timeout, is the error.
Result<> run_hooks(std::string_view kind, std::vector<Hook> const& hooks, std::string_view state);

}  // namespace bh::container
