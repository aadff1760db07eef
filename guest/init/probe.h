#pragma once

#include "init/settings.h"

namespace bh::init {

/// Asks the port `probe` of the loopback, and its HTTP for `path` if that is set. The exit status;
/// what was wrong is said on standard error.
int probe_port(Settings const& settings);

}  // namespace bh::init
