#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "vmm/engine/cpu_template.h"

namespace bh::vmm::kvm {

/// What one vCPU's CPUID depends on.
struct CpuidPlace {
  unsigned apic_id = 0;      // Below vcpu_count.
  unsigned vcpu_count = 1;   // Cores of the one package, a thread each.
  bool local_apic = true;    // The LAPIC is in the kernel.
  bool tsc_deadline = true;  // KVM's LAPIC timer has the TSC-deadline mode.
};

/// Makes one vCPU's CPUID from what KVM supports.
///
/// Features whose state VcpuState cannot hold (AVX-512, AMX, PKU, CET, MPX, nested virtualization,
/// performance counters, processor trace) are taken out: a guest that cannot see them cannot lose
/// them in a snapshot.
std::vector<kvm_cpuid_entry2> cpuid_for(std::vector<kvm_cpuid_entry2> supported,
                                        CpuidPlace const& place);

/// Changes what KVM supports by a template, before cpuid_for(). Errc::Unsupported if it names a
/// leaf that is not there.
Result<> change_cpuid(std::vector<kvm_cpuid_entry2>& supported,
                      std::span<CpuidChange const> changes);

/// Components XSAVE may manage (XCR0): x87, SSE and AVX.
inline constexpr std::uint64_t kXsaveComponents = 7;

}  // namespace bh::vmm::kvm
