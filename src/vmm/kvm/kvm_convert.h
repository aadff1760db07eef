#pragma once

#include <linux/kvm.h>

#include "base/error.h"
#include "vmm/engine/registers.h"
#include "vmm/kvm/kvm_abi.h"

namespace bh::vmm::kvm {

/// Between the engines' common state and KVM's structs, part by part.

GeneralRegisters to_general(kvm_regs const& raw);
kvm_regs from_general(GeneralRegisters const& registers);

/// Without xcr0, which KVM keeps apart.
SystemRegisters to_system(kvm_sregs const& raw);
kvm_sregs from_system(SystemRegisters const& registers);

/// A component that XSAVE marks as initial comes out as its initial value (SDM vol. 1, 13.6).
FpuState to_fpu(XsaveArea const& area);
XsaveArea from_fpu(FpuState const& fpu);

DebugRegisters to_debug(kvm_debugregs const& raw);
kvm_debugregs from_debug(DebugRegisters const& registers);

/// KVM's intermediate steps between INIT and SIPI cannot be saved: Errc::Busy.
Result<Activity> to_activity(kvm_mp_state const& raw);
kvm_mp_state from_activity(Activity activity);

/// Finds what KVM would accept and the CPU would not, or what KVM would silently change.
Result<> check(VcpuState const& state);

}  // namespace bh::vmm::kvm
