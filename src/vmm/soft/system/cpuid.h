#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

struct CpuidResult {
  std::uint32_t eax = 0;
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
  std::uint32_t edx = 0;

  friend bool operator==(CpuidResult const&, CpuidResult const&) = default;
};

/// What CPUID shows to this vCPU without a template: GenuineIntel, family 5, with the features of
/// offered_features.cpp (SDM vol. 2, CPUID), and KVM's leaves at 0x40000000 (Linux,
/// Documentation/virt/kvm/x86/cpuid.rst). Unknown leaves are zeros.
CpuidResult cpuid_leaf(Cpu const& cpu, std::uint32_t leaf, std::uint32_t subleaf);

/// The same with what the machine's CPU template changes of it.
CpuidResult changed_cpuid_leaf(Cpu const& cpu, std::uint32_t leaf, std::uint32_t subleaf);

}  // namespace bh::vmm::soft
