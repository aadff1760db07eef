#include "vmm/kvm/kvm_msr.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "vmm/kvm/kvm_abi.h"
#include "vmm/kvm/kvm_call.h"

namespace bh::vmm::kvm {

namespace {

// SDM vol. 4; the last lines: Documentation/virt/kvm/x86/msr.rst.
constexpr std::array<std::uint32_t, 62> kStateMsrs{
    0x10,                                                             // TSC, before its deadline.
    0x3b,                                                             // TSC_ADJUST
    0x48,                                                             // SPEC_CTRL
    0xe1,                                                             // UMWAIT_CONTROL
    0x140,                                                            // MISC_FEATURES_ENABLES
    0x174,       0x175,       0x176,                                  // SYSENTER CS ESP EIP
    0x17a,       0x17b,                                               // MCG STATUS CTL
    0x1a0,                                                            // MISC_ENABLE
    0x200,       0x201,       0x202,       0x203,       0x204,        // MTRR base and mask, 0 to 7
    0x205,       0x206,       0x207,       0x208,       0x209,        //
    0x20a,       0x20b,       0x20c,       0x20d,       0x20e,        //
    0x20f,                                                            //
    0x250,       0x258,       0x259,       0x268,       0x269,        // MTRR fixed
    0x26a,       0x26b,       0x26c,       0x26d,       0x26e,        //
    0x26f,                                                            //
    0x277,                                                            // PAT
    0x2ff,                                                            // MTRR default type
    0xc000'0081, 0xc000'0082, 0xc000'0083, 0xc000'0084, 0xc000'0102,  // STAR LSTAR CSTAR FMASK, GS
    0xc000'0103,                                                      // TSC_AUX
    0xda0,                                                            // XSS
    0xc001'0015,                                                      // HWCR
    0xc001'011f,                                                      // VIRT_SPEC_CTRL
    0x4b56'4d00, 0x4b56'4d01, 0x4b56'4d02, 0x4b56'4d03,               // KVM's clock, async faults
    0x4b56'4d04, 0x4b56'4d05, 0x4b56'4d06,                            // EOI, polling, async vector
    0x6e0,  // TSC_DEADLINE, after the TSC.
};

}  // namespace

std::span<std::uint32_t const> state_msrs() {
  return kStateMsrs;
}

std::vector<std::uint32_t> present_msrs(os::UniqueFd const& vcpu) {
  std::vector<std::uint32_t> present;
  for (std::uint32_t const index : kStateMsrs) {
    // KVM lets us read some that this vCPU's CPUID does not have, but not write them.
    auto const value = read_msrs(vcpu, std::span(&index, 1));
    if (value && write_msrs(vcpu, *value)) present.push_back(index);
  }
  return present;
}

Result<std::vector<Msr>> read_msrs(os::UniqueFd const& vcpu,
                                   std::span<std::uint32_t const> indices) {
  if (indices.size() > kMaxMsrEntries) return fail(Errc::Invalid, "too many MSRs");
  auto table = std::make_unique<MsrTable>();
  for (std::uint32_t const index : indices) table->entries[table->count++].index = index;
  int const done = BH_TRY(call(vcpu, kGetMsrs, "KVM_GET_MSRS", table.get()));
  if (static_cast<std::size_t>(done) != indices.size()) {
    return fail(Errc::Unsupported, fmt::format("KVM_GET_MSRS: this vCPU has no MSR {:#x}",
                                               indices[static_cast<std::size_t>(done)]));
  }
  std::vector<Msr> msrs;
  msrs.reserve(indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    msrs.push_back({.index = table->entries[i].index, .value = table->entries[i].data});
  }
  return msrs;
}

Result<> write_msrs(os::UniqueFd const& vcpu, std::span<Msr const> msrs) {
  if (msrs.empty()) return {};
  if (msrs.size() > kMaxMsrEntries) return fail(Errc::Invalid, "too many MSRs");
  auto table = std::make_unique<MsrTable>();
  for (Msr const& msr : msrs) {
    table->entries[table->count++] = {.index = msr.index, .data = msr.value};
  }
  int const done = BH_TRY(call(vcpu, kSetMsrs, "KVM_SET_MSRS", table.get()));
  if (static_cast<std::size_t>(done) != msrs.size()) {
    Msr const& refused = msrs[static_cast<std::size_t>(done)];
    return fail(Errc::Invalid, fmt::format("KVM_SET_MSRS: KVM refuses MSR {:#x} the value {:#x}",
                                           refused.index, refused.value));
  }
  return {};
}

Result<> change_msrs(os::UniqueFd const& vcpu, std::span<MsrChange const> changes) {
  for (auto const& change : changes) {
    auto msrs = read_msrs(vcpu, std::span(&change.index, 1));
    if (msrs) {
      (*msrs)[0].value = change.bits.applied_to((*msrs)[0].value);
      auto const written = write_msrs(vcpu, *msrs);
      if (written) continue;
      return std::unexpected(Error(written.error()).while_doing("cpu-config: msr_modifiers"));
    }
    return std::unexpected(std::move(msrs).error().while_doing("cpu-config: msr_modifiers"));
  }
  return {};
}

Result<std::vector<Msr>> in_writing_order(std::span<Msr const> msrs,
                                          std::span<std::uint32_t const> allowed) {
  std::vector<Msr> ordered;
  for (std::uint32_t const index : allowed) {
    auto const found = std::ranges::find(msrs, index, &Msr::index);
    if (found != msrs.end()) ordered.push_back(*found);
  }
  // Also catches doubles: only the first of them was taken.
  if (ordered.size() == msrs.size()) return ordered;
  for (auto msr = msrs.begin(); msr != msrs.end(); ++msr) {
    bool const known = std::ranges::find(allowed, msr->index) != allowed.end();
    bool const twice = std::find_if(msrs.begin(), msr, [&](Msr const& earlier) {
                         return earlier.index == msr->index;
                       }) != msr;
    if (known && !twice) continue;
    std::string const name = fmt::format("MSR {:#x}", msr->index);
    if (twice) return fail(Errc::Invalid, name + " is there twice");
    return fail(Errc::Unsupported, name + " is not one that KVM saves for this vCPU");
  }
  return ordered;
}

}  // namespace bh::vmm::kvm
