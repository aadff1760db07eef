#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Power-on state (SDM vol. 3, table 10-1). Index and machine stay.
void reset(Cpu& cpu);

/// INIT: as power-on, but x87, SSE and most MSRs keep their values.
void reset_by_init(Cpu& cpu);

/// SIPI: real mode at vector << 12.
void start_at(Cpu& cpu, std::uint8_t vector);

}  // namespace bh::vmm::soft
