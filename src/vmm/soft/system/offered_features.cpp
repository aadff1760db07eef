#include "vmm/soft/system/offered_features.h"

#include "vmm/soft/system/features.h"

namespace bh::vmm::soft {

namespace {

/// What a feature depends on.
enum class Needs : std::uint8_t {
  Nothing,  // The engine does it itself.
  Host,     // Its instructions run natively.
  Avx,      // As Host, and only with Machine::offer_avx.
  Chips,
  Siblings,  // More than one vCPU.
  XsaveOn,   // CR4.OSXSAVE
};

struct Feature {
  FeatureWord word;
  std::uint8_t bit;
  Needs needs;
};

using enum FeatureWord;

// SDM vol. 2, CPUID. What is not here is withheld; docs/design/soft-engine-system.md says why.
constexpr Feature kFeatures[] = {
    {Leaf1Ecx, 0, Needs::Host},      // SSE3
    {Leaf1Ecx, 1, Needs::Host},      // PCLMULQDQ
    {Leaf1Ecx, 9, Needs::Host},      // SSSE3
    {Leaf1Ecx, 12, Needs::Avx},      // FMA
    {Leaf1Ecx, 13, Needs::Host},     // CMPXCHG16B
    {Leaf1Ecx, 19, Needs::Host},     // SSE4.1
    {Leaf1Ecx, 20, Needs::Host},     // SSE4.2
    {Leaf1Ecx, 21, Needs::Chips},    // x2APIC
    {Leaf1Ecx, 22, Needs::Host},     // MOVBE
    {Leaf1Ecx, 23, Needs::Host},     // POPCNT
    {Leaf1Ecx, 24, Needs::Chips},    // TSC deadline
    {Leaf1Ecx, 25, Needs::Host},     // AES
    {Leaf1Ecx, 26, Needs::Avx},      // XSAVE
    {Leaf1Ecx, 27, Needs::XsaveOn},  // OSXSAVE
    {Leaf1Ecx, 28, Needs::Avx},      // AVX
    {Leaf1Ecx, 29, Needs::Avx},      // F16C
    {Leaf1Ecx, 30, Needs::Host},     // RDRAND
    {Leaf1Ecx, 31, Needs::Nothing},  // Hypervisor

    {Leaf1Edx, 0, Needs::Nothing},    // FPU
    {Leaf1Edx, 2, Needs::Nothing},    // DE
    {Leaf1Edx, 3, Needs::Nothing},    // PSE
    {Leaf1Edx, 4, Needs::Nothing},    // TSC
    {Leaf1Edx, 5, Needs::Nothing},    // MSR
    {Leaf1Edx, 6, Needs::Nothing},    // PAE
    {Leaf1Edx, 8, Needs::Nothing},    // CMPXCHG8B
    {Leaf1Edx, 9, Needs::Chips},      // APIC
    {Leaf1Edx, 11, Needs::Nothing},   // SYSENTER
    {Leaf1Edx, 13, Needs::Nothing},   // PGE
    {Leaf1Edx, 15, Needs::Nothing},   // CMOV
    {Leaf1Edx, 16, Needs::Nothing},   // PAT
    {Leaf1Edx, 17, Needs::Nothing},   // PSE-36
    {Leaf1Edx, 19, Needs::Nothing},   // CLFLUSH
    {Leaf1Edx, 23, Needs::Nothing},   // MMX
    {Leaf1Edx, 24, Needs::Nothing},   // FXSAVE
    {Leaf1Edx, 25, Needs::Nothing},   // SSE
    {Leaf1Edx, 26, Needs::Nothing},   // SSE2
    {Leaf1Edx, 28, Needs::Siblings},  // HTT: more than one logical processor.

    {Leaf7Ebx, 0, Needs::Nothing},   // FSGSBASE
    {Leaf7Ebx, 1, Needs::Nothing},   // TSC_ADJUST
    {Leaf7Ebx, 3, Needs::Avx},       // BMI1
    {Leaf7Ebx, 5, Needs::Avx},       // AVX2
    {Leaf7Ebx, 8, Needs::Avx},       // BMI2
    {Leaf7Ebx, 9, Needs::Nothing},   // Fast REP MOVSB and STOSB
    {Leaf7Ebx, 18, Needs::Host},     // RDSEED
    {Leaf7Ebx, 23, Needs::Nothing},  // CLFLUSHOPT
    {Leaf7Ebx, 29, Needs::Host},     // SHA
    {Leaf7Edx, 4, Needs::Nothing},   // Fast short REP MOVSB

    {Extended1Ecx, 0, Needs::Nothing},   // LAHF and SAHF in 64-bit mode
    {Extended1Ecx, 5, Needs::Avx},       // LZCNT
    {Extended1Ecx, 8, Needs::Host},      // PREFETCHW
    {Extended1Edx, 11, Needs::Nothing},  // SYSCALL
    {Extended1Edx, 20, Needs::Nothing},  // NX
    {Extended1Edx, 26, Needs::Nothing},  // 1 GiB pages
    {Extended1Edx, 27, Needs::Nothing},  // RDTSCP
    {Extended1Edx, 29, Needs::Nothing},  // Long mode
};

bool host_has(Feature const& feature) {
  return (host_features()[feature.word] >> feature.bit & 1) != 0;
}

bool offered(Cpu const& cpu, Feature const& feature) {
  switch (feature.needs) {
    case Needs::Nothing: return true;
    case Needs::Host: return host_has(feature);
    case Needs::Avx: return offers_avx(cpu) && host_has(feature);
    case Needs::Chips: return cpu.machine->chips != nullptr;
    case Needs::Siblings: return cpu.machine->vcpu_count > 1;
    case Needs::XsaveOn: return (cpu.cr4 & kCr4Osxsave) != 0;
  }
  return false;
}

}  // namespace

std::uint32_t offered_features(Cpu const& cpu, FeatureWord word) {
  std::uint32_t bits = 0;
  for (auto const& feature : kFeatures) {
    if (feature.word == word && offered(cpu, feature)) bits |= 1u << feature.bit;
  }
  return bits;
}

}  // namespace bh::vmm::soft
