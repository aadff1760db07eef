#include "vmm/soft/system/cpuid.h"

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#include "vmm/soft/system/features.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/offered_features.h"
#include "vmm/soft/system/tsc_ratio.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint32_t kHighestLeaf = 0x16;
constexpr std::uint32_t kHighestExtendedLeaf = 0x8000'0008;
constexpr std::uint32_t kHypervisorLeaf = 0x4000'0000;

// Family 5, model 4, stepping 3: docs/decisions/0003-soft-cpu-identity.md says why so old.
constexpr std::uint32_t kSignature = 0x543;

constexpr std::uint32_t kCacheLine = 64;

// What the local APIC's timer counts at (chip/apic_timer.h). Linux takes the crystal's frequency
// for it.
constexpr std::uint32_t kCrystalHz = 1'000'000'000;

// KVM_CPUID_FEATURES (Linux, Documentation/virt/kvm/x86/cpuid.rst).
constexpr std::uint32_t kKvmClocksource = 1u << 0;
constexpr std::uint32_t kKvmNopIoDelay = 1u << 1;
constexpr std::uint32_t kKvmClocksource2 = 1u << 3;
constexpr std::uint32_t kKvmClocksourceStable = 1u << 24;

constexpr std::string_view kBrand = "Bulkhead software CPU";

std::uint32_t four_letters(std::string_view text, std::size_t offset) {
  std::array<char, 4> letters{};
  for (std::size_t i = 0; i < 4 && offset + i < text.size(); ++i) letters[i] = text[offset + i];
  return std::bit_cast<std::uint32_t>(letters);
}

CpuidResult vendor() {
  constexpr std::string_view kVendor = "GenuineIntel";
  return {.eax = kHighestLeaf,
          .ebx = four_letters(kVendor, 0),
          .ecx = four_letters(kVendor, 8),
          .edx = four_letters(kVendor, 4)};
}

CpuidResult features(Cpu const& cpu) {
  return {.eax = kSignature,
          .ebx = cpu.index << 24 | cpu.machine->vcpu_count << 16 | (kCacheLine / 8) << 8,
          .ecx = offered_features(cpu, FeatureWord::Leaf1Ecx),
          .edx = offered_features(cpu, FeatureWord::Leaf1Edx)};
}

/// Leaf 4. Linux and glibc size copies and stripes by these; they are a plausible small server's.
struct Cache {
  std::uint8_t type;  // 1 data, 2 instruction, 3 unified
  std::uint8_t level;
  std::uint16_t ways;
  std::uint32_t sets;
  bool shared;  // By all vCPUs.
};
constexpr Cache kCaches[] = {
    {1, 1, 8, 64, false},     // 32 KiB
    {2, 1, 8, 64, false},     // 32 KiB
    {3, 2, 16, 1024, false},  // 1 MiB
    {3, 3, 16, 16384, true},  // 16 MiB
};

std::uint32_t core_id_bits(Cpu const& cpu) {
  return static_cast<std::uint32_t>(std::bit_width(cpu.machine->vcpu_count - 1));
}

CpuidResult caches(Cpu const& cpu, std::uint32_t subleaf) {
  if (subleaf >= std::size(kCaches)) return {};
  Cache const& cache = kCaches[subleaf];
  std::uint32_t const ids = (1u << core_id_bits(cpu)) - 1;
  std::uint32_t const sharing = cache.shared ? ids : 0;
  return {.eax = cache.type | cache.level << 5 | 1u << 8 | sharing << 14 | ids << 26,
          .ebx = (kCacheLine - 1) | (cache.ways - 1u) << 22,
          .ecx = cache.sets - 1,
          .edx = 0};
}

CpuidResult topology(Cpu const& cpu, std::uint32_t subleaf) {
  constexpr std::uint32_t kThreadLevel = 1;
  constexpr std::uint32_t kCoreLevel = 2;
  switch (subleaf) {
    case 0: return {.eax = 0, .ebx = 1, .ecx = kThreadLevel << 8, .edx = cpu.index};
    case 1:
      return {.eax = core_id_bits(cpu),
              .ebx = cpu.machine->vcpu_count,
              .ecx = kCoreLevel << 8 | 1,
              .edx = cpu.index};
    default: return {.ecx = subleaf & 0xff, .edx = cpu.index};
  }
}

CpuidResult xsave_state(Cpu const& cpu, std::uint32_t subleaf) {
  constexpr std::uint32_t kLegacyAndHeader = 576;
  constexpr std::uint32_t kAvxSize = 256;
  if (!offers_avx(cpu)) return {};
  switch (subleaf) {
    case 0:
      return {.eax = static_cast<std::uint32_t>(kXcr0Offered),
              .ebx = kLegacyAndHeader + ((cpu.xcr0 & kXcr0Avx) != 0 ? kAvxSize : 0),
              .ecx = kLegacyAndHeader + kAvxSize};
    case 1: return {.eax = 1};  // XSAVEOPT
    case 2: return {.eax = kAvxSize, .ebx = kLegacyAndHeader};
    default: return {};
  }
}

CpuidResult brand(std::uint32_t part) {
  std::size_t const start = part * 16;
  return {.eax = four_letters(kBrand, start),
          .ebx = four_letters(kBrand, start + 4),
          .ecx = four_letters(kBrand, start + 8),
          .edx = four_letters(kBrand, start + 12)};
}

CpuidResult tsc_frequency(Cpu const& cpu) {
  // TSC = crystal * EBX / EAX.
  auto const ratio = nearest_tsc_ratio(cpu.machine->clock.tsc_khz(), kCrystalHz / 1000);
  return {.eax = ratio.denominator, .ebx = ratio.numerator, .ecx = kCrystalHz};
}

CpuidResult processor_frequency(Cpu const& cpu) {
  auto const mhz = static_cast<std::uint32_t>(cpu.machine->clock.tsc_khz() / 1000);
  return {.eax = mhz, .ebx = mhz, .ecx = 100};
}

bool has_subleaves(std::uint32_t leaf) {
  return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd;
}

CpuidResult kvm_signature() {
  return {.eax = kHypervisorLeaf + 1,
          .ebx = four_letters("KVMKVMKVM", 0),
          .ecx = four_letters("KVMKVMKVM", 4),
          .edx = four_letters("KVMKVMKVM", 8)};
}

}  // namespace

CpuidResult cpuid_leaf(Cpu const& cpu, std::uint32_t leaf, std::uint32_t subleaf) {
  constexpr std::uint32_t kUseLeaf4 = 0xff01;  // Leaf 2: the caches are in leaf 4.
  constexpr std::uint32_t kTimerAlwaysRuns = 1u << 2;
  constexpr std::uint32_t kTscInvariant = 1u << 8;
  switch (leaf) {
    case 0: return vendor();
    case 1: return features(cpu);
    case 2: return {.eax = kUseLeaf4};
    case 4: return caches(cpu, subleaf);
    case 6: return {.eax = kTimerAlwaysRuns};
    case 7:
      if (subleaf != 0) return {};
      return {.ebx = offered_features(cpu, FeatureWord::Leaf7Ebx),
              .edx = offered_features(cpu, FeatureWord::Leaf7Edx)};
    case 0xb: return topology(cpu, subleaf);
    case 0xd: return xsave_state(cpu, subleaf);
    case 0x15: return tsc_frequency(cpu);
    case 0x16: return processor_frequency(cpu);
    case kHypervisorLeaf: return kvm_signature();
    case kHypervisorLeaf + 1:
      return {.eax = kKvmClocksource | kKvmNopIoDelay | kKvmClocksource2 | kKvmClocksourceStable};
    case 0x8000'0000: return {.eax = kHighestExtendedLeaf};
    case 0x8000'0001:
      return {.ecx = offered_features(cpu, FeatureWord::Extended1Ecx),
              .edx = offered_features(cpu, FeatureWord::Extended1Edx)};
    case 0x8000'0002:
    case 0x8000'0003:
    case 0x8000'0004: return brand(leaf - 0x8000'0002);
    case 0x8000'0006: return {.ecx = kCacheLine | 8u << 12 | 1024u << 16};  // L2: 1 MiB, 16 ways
    case 0x8000'0007: return {.edx = kTscInvariant};
    case 0x8000'0008: return {.eax = kLinearAddressBits << 8 | kPhysicalAddressBits};
    default: return {};
  }
}

CpuidResult changed_cpuid_leaf(Cpu const& cpu, std::uint32_t leaf, std::uint32_t subleaf) {
  auto result = cpuid_leaf(cpu, leaf, subleaf);
  for (auto const& change : cpu.machine->cpu_template.cpuid) {
    if (change.leaf != leaf || change.subleaf != (has_subleaves(leaf) ? subleaf : 0)) continue;
    auto reg = change.registers.begin();
    for (auto* const word : {&result.eax, &result.ebx, &result.ecx, &result.edx}) {
      *word = static_cast<std::uint32_t>((reg++)->applied_to(*word));
    }
  }
  return result;
}

Flow cpuid(Cpu& cpu, Op const& /*op*/) {
  auto const result = changed_cpuid_leaf(cpu, static_cast<std::uint32_t>(cpu.gpr[Rax]),
                                         static_cast<std::uint32_t>(cpu.gpr[Rcx]));
  cpu.gpr[Rax] = result.eax;
  cpu.gpr[Rbx] = result.ebx;
  cpu.gpr[Rcx] = result.ecx;
  cpu.gpr[Rdx] = result.edx;
  return Flow::Next;
}

}  // namespace bh::vmm::soft
