#pragma once

#include "tests/isa/random.h"
#include "vmm/engine/registers.h"

namespace bh::isa {

/// x87, MMX, SSE and YMM state that is consistent enough for the CPU to load it.
void generate_fpu(Random& random, vmm::FpuState& fpu);

}  // namespace bh::isa
