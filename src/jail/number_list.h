#pragma once

#include <functional>
#include <string_view>

#include "base/error.h"

namespace bh::jail {

/// Calls take(number) for each of "0-3,5", the form of cpusets. Errc::Invalid for other texts and
/// for numbers from `limit` on.
Result<> each_of_list(std::string_view list, unsigned limit,
                      std::function<void(unsigned)> const& take);

}  // namespace bh::jail
