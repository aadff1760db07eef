#pragma once

#include <functional>

#include "vmm/engine/engine.h"

namespace bh::vmm {

/// Drives the interrupt line of one device. Called with the device's lock held, on every change of
/// level; must not call back into the device.
using IrqLine = std::move_only_function<void(LineLevel)>;

}  // namespace bh::vmm
