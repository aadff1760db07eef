#pragma once

#include <linux/kvm.h>

#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/engine/registers.h"
#include "vmm/kvm/kvm_abi.h"

namespace bh::vmm::kvm {

/// One vCPU's state in KVM's own structs.
struct RawState {
  kvm_regs general{};
  kvm_sregs system{};
  kvm_xcrs xcrs{};
  XsaveArea xsave;
  kvm_debugregs debug{};
  kvm_vcpu_events events{};
  kvm_mp_state activity{};
  std::vector<Msr> msrs;  // In writing order.
};

Result<RawState> read_raw(os::UniqueFd const& vcpu, std::vector<std::uint32_t> const& msrs);
/// After an error some parts are written and some not.
Result<> write_raw(os::UniqueFd const& vcpu, RawState const& state);

/// Errc::Busy if an event is on its way into the guest: VcpuState has no place for one.
Result<VcpuState> to_state(RawState const& raw);
/// Checks `state` as far as KVM would not; `current` gives what `state` has no place for.
Result<RawState> to_raw(VcpuState const& state, RawState const& current,
                        std::vector<std::uint32_t> const& msrs);

}  // namespace bh::vmm::kvm
