#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// #GP(0) if CPL, IOPL and the TSS's permission bitmap forbid `size` ports from `port` (SDM vol.
/// 1, 18.5).
Flow check_port(Cpu& cpu, std::uint16_t port, unsigned size);

/// One access of 1, 2 or 4 bytes, to the chips or outside. Exit: to be answered, then the
/// instruction starts again.
Flow read_port(Cpu& cpu, std::uint16_t port, unsigned size, std::uint32_t& out);
Flow write_port(Cpu& cpu, std::uint16_t port, unsigned size, std::uint32_t value);

}  // namespace bh::vmm::soft
