#include "vmm/kvm/kvm_cpuid.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>

namespace bh::vmm::kvm {

namespace {

// Leaves and bits: SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.
using Entries = std::vector<kvm_cpuid_entry2>;

constexpr std::uint32_t bit(unsigned number) {
  return 1u << number;
}

template <typename... Numbers>
constexpr std::uint32_t bits(Numbers... numbers) {
  return (bit(numbers) | ...);
}

kvm_cpuid_entry2* find(Entries& entries, std::uint32_t function, std::uint32_t index = 0) {
  auto const found = std::ranges::find_if(entries, [&](kvm_cpuid_entry2 const& entry) {
    return entry.function == function && entry.index == index;
  });
  return found == entries.end() ? nullptr : &*found;
}

void set_bit(std::uint32_t& word, unsigned number, bool on) {
  word = on ? word | bit(number) : word & ~bit(number);
}

/// `mask << shift` of `word` becomes `value`.
void set_field(std::uint32_t& word, unsigned shift, std::uint32_t mask, std::uint32_t value) {
  word = (word & ~(mask << shift)) | ((value & mask) << shift);
}

void set_features(Entries& entries, CpuidPlace const& place) {
  if (auto* const leaf = find(entries, 1)) {
    set_field(leaf->ebx, 16, 0xff, place.vcpu_count);
    set_field(leaf->ebx, 24, 0xff, place.apic_id);
    leaf->ecx &= ~bits(5, 15);  // VMX, PDCM.
    set_bit(leaf->ecx, 24, place.local_apic && place.tsc_deadline);
    set_bit(leaf->ecx, 31, true);  // A hypervisor is there: its leaves start at 0x40000000.
    set_bit(leaf->edx, 28, place.vcpu_count > 1);  // The package has several APIC ids.
    if (!place.local_apic) {
      leaf->ecx &= ~bit(21);  // x2APIC.
      leaf->edx &= ~bit(9);   // APIC.
    }
  }
  if (auto* const leaf = find(entries, 7, 0)) {
    // SGX, MPX, AVX-512 F DQ IFMA, PT, AVX-512 PF ER CD BW VL.
    leaf->ebx &= ~bits(2, 14, 16, 17, 21, 25, 26, 27, 28, 30, 31);
    // AVX-512 VBMI, PKU, OSPKE, AVX-512 VBMI2, shadow stacks, AVX-512 VNNI BITALG VPOPCNTDQ,
    // SGX_LC, PKS.
    leaf->ecx &= ~bits(1, 3, 4, 6, 7, 11, 12, 14, 30, 31);
    // AVX-512 4VNNIW 4FMAPS VP2INTERSECT, IBT, AMX-BF16, AVX-512 FP16, AMX-TILE, AMX-INT8.
    leaf->edx &= ~bits(2, 3, 8, 20, 22, 23, 24, 25);
  }
  if (auto* const leaf = find(entries, 7, 1)) {
    leaf->eax &= ~bits(5, 21);          // AVX-512 BF16, AMX-FP16.
    leaf->edx &= ~bits(8, 18, 19, 21);  // AMX-COMPLEX, shadow stacks, AVX10, APX.
  }
  if (auto* const leaf = find(entries, 0x8000'0001)) {
    leaf->ecx &= ~bits(2, 10, 23, 24, 28);  // SVM, IBS, performance counters.
    // The cores of one package, no threads: AMD's word for it.
    if (leaf->edx != 0 && (leaf->ecx & bit(22)) != 0) set_bit(leaf->ecx, 1, place.vcpu_count > 1);
  }
}

void set_xsave(Entries& entries) {
  std::erase_if(entries, [](kvm_cpuid_entry2 const& entry) {
    return entry.function == 0xd && entry.index > 2;
  });
  if (auto* const leaf = find(entries, 0xd, 0)) {
    leaf->eax &= kXsaveComponents;
    leaf->edx = 0;
    // Legacy region and header, then the upper halves of YMM: SDM vol. 1, 13.4 and 13.5.2.
    leaf->ecx = (leaf->eax & 4) != 0 ? 576 + 256 : 576;
    leaf->ebx = leaf->ecx;
  }
  if (auto* const leaf = find(entries, 0xd, 1)) {
    leaf->eax &= 0xf;  // XSAVEOPT XSAVEC XGETBV(1) XSAVES, not XFD.
    leaf->ecx = 0;     // No supervisor components.
    leaf->edx = 0;
  }
}

/// Leaf 0xb of a package whose cores have one thread each. 0x1f, its successor, may be missing.
void set_extended_topology(Entries& entries, CpuidPlace const& place) {
  std::erase_if(entries, [](kvm_cpuid_entry2 const& entry) {
    return entry.function == 0xb || entry.function == 0x1f;
  });
  auto const* const highest = find(entries, 0);
  if (highest == nullptr || highest->eax < 0xb) return;
  auto const level = [&](std::uint32_t index, std::uint32_t shift, std::uint32_t count,
                         std::uint32_t type) {
    return kvm_cpuid_entry2{.function = 0xb,
                            .index = index,
                            .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
                            .eax = shift,
                            .ebx = count,
                            .ecx = (type << 8) | index,
                            .edx = place.apic_id};
  };
  auto const core_bits = static_cast<std::uint32_t>(std::bit_width(place.vcpu_count - 1));
  entries.push_back(level(0, 0, 1, 1));
  entries.push_back(level(1, core_bits, place.vcpu_count, 2));
  entries.push_back(level(2, 0, 0, 0));
}

/// Which caches the vCPUs share: only the last level.
void set_cache_sharing(Entries& entries, CpuidPlace const& place) {
  std::uint32_t const ids = std::bit_ceil(place.vcpu_count);
  for (auto& entry : entries) {
    bool const intel = entry.function == 4;
    if ((!intel && entry.function != 0x8000'001d) || (entry.eax & 0x1f) == 0) continue;
    std::uint32_t const cache_level = (entry.eax >> 5) & 7;
    set_field(entry.eax, 14, 0xfff, cache_level >= 3 ? ids - 1 : 0);
    if (intel) set_field(entry.eax, 26, 0x3f, std::min(ids - 1, 0x3fu));
  }
}

void set_amd_topology(Entries& entries, CpuidPlace const& place) {
  if (auto* const leaf = find(entries, 0x8000'0008)) {
    // Number of cores, and how many bits of the APIC id name one.
    auto const core_bits = static_cast<std::uint32_t>(std::bit_width(place.vcpu_count - 1));
    set_field(leaf->ecx, 0, 0xff, place.vcpu_count - 1);
    set_field(leaf->ecx, 12, 0xf, core_bits);
  }
  if (auto* const leaf = find(entries, 0x8000'001e)) {
    leaf->eax = place.apic_id;
    leaf->ebx = place.apic_id;  // Core id; one thread a core.
    leaf->ecx = 0;              // Node 0 of one.
  }
}

void clear_leaves(Entries& entries) {
  // Performance counters, SGX, processor trace, AMX (2), AVX10, SVM, IBS, extended counters.
  constexpr std::uint32_t kAbsent[] = {0xa,  0x12,        0x14,        0x1d,       0x1e,
                                       0x24, 0x8000'000a, 0x8000'001b, 0x8000'0022};
  for (auto& entry : entries) {
    if (std::ranges::find(kAbsent, entry.function) == std::end(kAbsent)) continue;
    entry.eax = entry.ebx = entry.ecx = entry.edx = 0;
  }
}

void set_signature(Entries& entries, CpuidPlace const& place) {
  // Documentation/virt/kvm/x86/cpuid.rst: "KVMKVMKVM\0\0\0" in ebx, ecx, edx.
  constexpr std::uint32_t kSignature = 0x4000'0000;
  if (find(entries, kSignature) == nullptr) {
    entries.push_back({.function = kSignature,
                       .eax = kSignature + 1,
                       .ebx = 0x4b4d'564b,
                       .ecx = 0x564b'4d56,
                       .edx = 0x4d});
  }
  if (auto* const leaf = find(entries, kSignature + 1); leaf != nullptr && !place.local_apic) {
    leaf->eax &= ~bits(4, 6, 7, 11, 13, 14);  // What is delivered by or to a LAPIC.
  }
}

}  // namespace

Result<> change_cpuid(Entries& supported, std::span<CpuidChange const> changes) {
  for (auto const& change : changes) {
    auto const entry = std::ranges::find_if(supported, [&](kvm_cpuid_entry2 const& one) {
      return one.function == change.leaf && one.index == change.subleaf &&
             one.flags == change.flags;
    });
    if (entry == supported.end()) {
      return fail(Errc::Unsupported,
                  fmt::format("cpu-config: CPUID leaf {:#x}, subleaf {:#x}, flags {}: KVM has no "
                              "such entry on this host",
                              change.leaf, change.subleaf, change.flags));
    }
    auto reg = change.registers.begin();
    for (auto* const word : {&entry->eax, &entry->ebx, &entry->ecx, &entry->edx}) {
      *word = static_cast<std::uint32_t>((reg++)->applied_to(*word));
    }
  }
  return {};
}

std::vector<kvm_cpuid_entry2> cpuid_for(std::vector<kvm_cpuid_entry2> supported,
                                        CpuidPlace const& place) {
  Entries entries = std::move(supported);
  set_features(entries, place);
  set_xsave(entries);
  set_extended_topology(entries, place);
  set_cache_sharing(entries, place);
  set_amd_topology(entries, place);
  clear_leaves(entries);
  set_signature(entries, place);
  return entries;
}

}  // namespace bh::vmm::kvm
