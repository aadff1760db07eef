#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"
#include "vmm/soft/state/machine.h"

namespace bh::vmm::soft {

/// MAXPHYADDR: what CPUID leaf 0x80000008 says, CR3 allows and the page walk checks.
inline constexpr unsigned kPhysicalAddressBits = 46;
inline constexpr unsigned kLinearAddressBits = 48;

inline constexpr std::uint64_t kXcr0X87 = 1;
inline constexpr std::uint64_t kXcr0Sse = 2;
inline constexpr std::uint64_t kXcr0Avx = 4;
inline constexpr std::uint64_t kXcr0Offered = kXcr0X87 | kXcr0Sse | kXcr0Avx;

/// MXCSR bits that may be set; others are #GP. AMD's misaligned mode (bit 17) is not offered.
inline constexpr std::uint32_t kMxcsrMask = 0xffff;

/// Whether the host can run AVX2 code, with its operating system's leave.
bool host_has_avx();

/// Whether this guest gets XSAVE, AVX, AVX2, BMI and FMA.
inline bool offers_avx(Cpu const& cpu) {
  return cpu.machine->offer_avx && host_has_avx();
}

}  // namespace bh::vmm::soft
