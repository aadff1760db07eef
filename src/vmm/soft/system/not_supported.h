#pragma once

#include <string_view>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Ends the run with an InternalError that says what the guest wanted and where it was.
Flow not_supported(Cpu& cpu, std::string_view what);

}  // namespace bh::vmm::soft
