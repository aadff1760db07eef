#pragma once

#include "base/error.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Turns host traps inside native stubs (division by zero, misaligned SSE, unmasked floating-point
/// exceptions, instructions the host lacks) into the stub's result. Traps elsewhere do what they
/// did before.

/// Installs the process-wide signal handlers, once; later calls do nothing. Any thread.
Result<> install_trap_guard();

/// Names the vCPU that runs on the calling thread, and gives the thread a stack for signals if it
/// has none: translated code must not be interrupted on the guest's.
Result<> guard_thread(Cpu* cpu);

}  // namespace bh::vmm::soft
