#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Checked writes of control registers with everything that follows from them: long mode, code
/// size, forgotten translations. Fault: #GP, nothing changed. The caller leaves the block.
Flow write_cr0(Cpu& cpu, std::uint64_t value);
Flow write_cr3(Cpu& cpu, std::uint64_t value);
Flow write_cr4(Cpu& cpu, std::uint64_t value);

}  // namespace bh::vmm::soft
