#pragma once

#include "init/settings.h"

namespace bh::init {

/// Gives network cards their addresses, and the first one the way out, and writes
/// /etc/resolv.conf and /etc/hosts, as the settings say; without "address" nothing is done. The
/// command finds its network ready. False, having said why on the console.
bool bring_up_network(Settings const& settings);

}  // namespace bh::init
