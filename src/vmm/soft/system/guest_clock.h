#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Time as the guest sees it. kvmclock counts from the guest's TSC alone, so it stays in step on
/// all vCPUs and goes on after a restore where the TSC does.

/// The TSC of this vCPU.
std::uint64_t guest_tsc(Cpu const& cpu);

/// WRMSR to IA32_TSC and IA32_TSC_ADJUST: both move together (SDM vol. 3, 17.17.3).
void write_tsc(Cpu& cpu, std::uint64_t value);
void write_tsc_adjust(Cpu& cpu, std::uint64_t value);

/// Sets the TSC of a restored vCPU; TSC_ADJUST is restored by itself.
void restore_tsc(Cpu& cpu, std::uint64_t value);

/// ns = ((tsc << shift) * multiplier) >> 32; a negative shift is to the right.
struct TscScale {
  std::uint32_t multiplier = 0;
  std::int8_t shift = 0;
};
TscScale tsc_scale(std::uint64_t tsc_khz);

/// KVM_SYSTEM_TIME and KVM_WALL_CLOCK were written: fills in the guest's structures (Linux,
/// Documentation/virt/kvm/x86/msr.rst). An address outside RAM is ignored.
void write_system_time(Cpu& cpu);
void write_wall_clock(Cpu& cpu);

}  // namespace bh::vmm::soft
