#include "vmm/soft/system/cpuid_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "vmm/soft/state/machine.h"
#include "vmm/soft/system/cpuid.h"

namespace bh::vmm::soft {

namespace {

// Leaves whose bits are promises: features, states of XSAVE, power, KVM's paravirtual ones.
constexpr std::array<std::uint32_t, 7> kFeatureLeaves{1,           6,           7,          0xd,
                                                      0x4000'0001, 0x8000'0001, 0x8000'0007};
constexpr std::array<char const*, 4> kRegisterNames{"eax", "ebx", "ecx", "edx"};

bool is_there(Cpu const& cpu, std::uint32_t leaf) {
  auto const range = leaf & 0xffff'0000;
  if (range == 0x4000'0000) return leaf <= 0x4000'0001;
  return (range == 0 || range == 0x8000'0000) && leaf <= cpuid_leaf(cpu, range, 0).eax;
}

Result<> check_change(Cpu const& cpu, CpuidChange const& change) {
  if (!is_there(cpu, change.leaf)) {
    return fail(
        Errc::Unsupported,
        fmt::format("cpu-config: CPUID leaf {:#x}: the soft engine has no such leaf", change.leaf));
  }
  if (std::ranges::find(kFeatureLeaves, change.leaf) == kFeatureLeaves.end()) return {};
  auto const result = cpuid_leaf(cpu, change.leaf, change.subleaf);
  std::array const words{result.eax, result.ebx, result.ecx, result.edx};
  for (std::size_t i = 0; i < words.size(); ++i) {
    // Family and model are no feature.
    if (change.leaf == 1 && i < 2) continue;
    auto const added = change.registers[i].value & ~std::uint64_t{words[i]};
    if (added == 0) continue;
    return fail(Errc::Unsupported,
                fmt::format("cpu-config: CPUID leaf {:#x}, {}: the soft engine does not have the "
                            "features of bits {:#x} (set them to 0 or x, or use --engine kvm)",
                            change.leaf, kRegisterNames[i], added));
  }
  return {};
}

}  // namespace

Result<> check_template(Cpu const& cpu) {
  auto const& wanted = cpu.machine->cpu_template;
  if (!wanted.msrs.empty()) {
    return fail(
        Errc::Unsupported,
        fmt::format("cpu-config: msr_modifiers {:#x}: the soft engine's MSRs are fixed (use "
                    "--engine kvm)",
                    wanted.msrs.front().index));
  }
  for (auto const& change : wanted.cpuid) BH_TRY(check_change(cpu, change));
  return {};
}

}  // namespace bh::vmm::soft
