#pragma once

#include "base/error.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Turns host traps inside native stubs (division by zero, misaligned SSE, unmasked floating-point
/// exceptions, instructions the host lacks) into the stub's result. Traps elsewhere do what they
/// did before.

/// Installs the process-wide signal handlers, once; later calls do nothing. Any thread.
Result<> install_trap_guard();

/// Names the vCPU whose stubs run on the calling thread; nullptr for none.
void set_guarded_cpu(Cpu* cpu);

}  // namespace bh::vmm::soft
