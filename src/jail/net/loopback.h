#pragma once

#include "base/error.h"

namespace bh::jail {

/// Brings up the loopback device of this thread's network namespace, which is down in a new one. A
/// namespace that belongs to others is left as it is.
Result<> bring_up_loopback();

}  // namespace bh::jail
