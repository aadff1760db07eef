#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace bh::vmm {

/// What shall be other than the engine would have it: Firecracker's custom CPU templates.

/// Bits that are given values; the others stay as they are.
struct BitChange {
  std::uint64_t mask = 0;
  std::uint64_t value = 0;  // Within the mask.

  std::uint64_t applied_to(std::uint64_t before) const { return (before & ~mask) | value; }
  friend bool operator==(BitChange const&, BitChange const&) = default;
};

/// Of one leaf and subleaf of CPUID.
struct CpuidChange {
  std::uint32_t leaf = 0;
  std::uint32_t subleaf = 0;
  std::uint32_t flags = 0;               // Of struct kvm_cpuid_entry2.
  std::array<BitChange, 4> registers{};  // eax, ebx, ecx, edx

  friend bool operator==(CpuidChange const&, CpuidChange const&) = default;
};

struct MsrChange {
  std::uint32_t index = 0;
  BitChange bits;

  friend bool operator==(MsrChange const&, MsrChange const&) = default;
};

struct CpuTemplate {
  std::vector<CpuidChange> cpuid;
  std::vector<MsrChange> msrs;
  std::vector<unsigned> kvm_capabilities;  // KVM_CAP_ numbers that must be there.
};

}  // namespace bh::vmm
