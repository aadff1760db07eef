#pragma once

#include "base/error.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Errc::Unsupported if the machine's CPU template asks for what this engine does not have: a leaf
/// that is not there, a feature that it does not offer, or any MSR.
Result<> check_template(Cpu const& cpu);

}  // namespace bh::vmm::soft
