#pragma once

#include "init/settings.h"

namespace bh::init {

/// Sends what was written to the machine, the folder `written` of its writable layer, to the port
/// `layer` of the host as the tar of an OCI layer, and waits until the host has it; nothing
/// without that setting. Nobody may write any more. False, having said why.
bool send_layer(Settings const& settings, int written);

}  // namespace bh::init
