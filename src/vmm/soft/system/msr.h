#pragma once

#include <cstdint>
#include <span>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Model-specific registers by number (SDM vol. 4). Those of the local APIC belong to the chips.

/// False: there is none, RDMSR is #GP(0).
bool read_msr(Cpu& cpu, std::uint32_t index, std::uint64_t& value);

/// False: there is none or the value is not allowed, and nothing changed.
bool write_msr(Cpu& cpu, std::uint32_t index, std::uint64_t value);

/// The MSRs of a vCPU's saved state, in the order to restore them: all that are neither in
/// SystemRegisters (EFER, bases) nor in the chips' state.
std::span<std::uint32_t const> saved_msrs();

/// As write_msr(), but sets what was saved without the side effects a guest's write has on other
/// registers.
bool restore_msr(Cpu& cpu, std::uint32_t index, std::uint64_t value);

}  // namespace bh::vmm::soft
