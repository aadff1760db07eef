#include "vmm/kvm/kvm_state.h"

#include <utility>

#include "vmm/kvm/kvm_call.h"
#include "vmm/kvm/kvm_convert.h"
#include "vmm/kvm/kvm_msr.h"

namespace bh::vmm::kvm {

namespace {

template <typename T>
Result<> get(os::UniqueFd const& vcpu, unsigned long request, char const* name, T& out) {
  BH_TRY(tell(vcpu, request, name, &out));
  return {};
}

template <typename T>
Result<> set(os::UniqueFd const& vcpu, unsigned long request, char const* name, T const& in) {
  // KVM only reads what a KVM_SET_ request points to.
  BH_TRY(tell(vcpu, request, name, const_cast<T*>(&in)));
  return {};
}

bool event_in_flight(RawState const& raw) {
  kvm_vcpu_events const& events = raw.events;
  // exception.pending is in use only with KVM_CAP_EXCEPTION_PAYLOAD, which is off.
  return events.exception.injected != 0 || events.interrupt.injected != 0 ||
         events.interrupt.shadow != 0 || events.nmi.injected != 0 || events.nmi.pending != 0 ||
         events.nmi.masked != 0 || events.smi.pending != 0 || events.smi.smm != 0;
}

}  // namespace

Result<RawState> read_raw(os::UniqueFd const& vcpu, std::vector<std::uint32_t> const& msrs) {
  RawState raw;
  // First: KVM may still apply a pending INIT or SIPI here.
  BH_TRY(get(vcpu, KVM_GET_MP_STATE, "KVM_GET_MP_STATE", raw.activity));
  BH_TRY(get(vcpu, KVM_GET_REGS, "KVM_GET_REGS", raw.general));
  BH_TRY(get(vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", raw.system));
  // On a CPU without XSAVE the request is invalid, and there is nothing to keep.
  if (auto got = get(vcpu, KVM_GET_XCRS, "KVM_GET_XCRS", raw.xcrs); !got) {
    if (got.error().code != Errc::Invalid) return std::unexpected(std::move(got).error());
    raw.xcrs.nr_xcrs = 0;
  }
  BH_TRY(get(vcpu, kGetXsave, "KVM_GET_XSAVE", raw.xsave));
  BH_TRY(get(vcpu, KVM_GET_DEBUGREGS, "KVM_GET_DEBUGREGS", raw.debug));
  BH_TRY(get(vcpu, KVM_GET_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS", raw.events));
  raw.msrs = BH_TRY(read_msrs(vcpu, msrs));
  return raw;
}

Result<> write_raw(os::UniqueFd const& vcpu, RawState const& raw) {
  BH_TRY(set(vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", raw.system));
  BH_TRY(set(vcpu, KVM_SET_REGS, "KVM_SET_REGS", raw.general));
  if (raw.xcrs.nr_xcrs != 0) BH_TRY(set(vcpu, KVM_SET_XCRS, "KVM_SET_XCRS", raw.xcrs));
  BH_TRY(set(vcpu, kSetXsave, "KVM_SET_XSAVE", raw.xsave));
  BH_TRY(set(vcpu, KVM_SET_DEBUGREGS, "KVM_SET_DEBUGREGS", raw.debug));
  BH_TRY(write_msrs(vcpu, raw.msrs));
  // After KVM_SET_REGS, which drops a pending exception.
  BH_TRY(set(vcpu, KVM_SET_VCPU_EVENTS, "KVM_SET_VCPU_EVENTS", raw.events));
  BH_TRY(set(vcpu, KVM_SET_MP_STATE, "KVM_SET_MP_STATE", raw.activity));
  return {};
}

Result<VcpuState> to_state(RawState const& raw) {
  if (event_in_flight(raw)) {
    return fail(Errc::Busy,
                "save vCPU state: an interrupt or exception is on its way into the guest; run the "
                "vCPU once more and try again");
  }
  VcpuState state;
  state.general = to_general(raw.general);
  state.system = to_system(raw.system);
  if (raw.xcrs.nr_xcrs != 0) state.system.xcr0 = raw.xcrs.xcrs[0].value;
  state.fpu = to_fpu(raw.xsave);
  state.debug = to_debug(raw.debug);
  state.msrs = raw.msrs;
  state.activity = BH_TRY(to_activity(raw.activity));
  return state;
}

Result<RawState> to_raw(VcpuState const& state, RawState const& current,
                        std::vector<std::uint32_t> const& msrs) {
  BH_TRY(check(state));
  RawState raw;
  raw.general = from_general(state.general);
  raw.system = from_system(state.system);
  raw.xcrs = current.xcrs;
  if (raw.xcrs.nr_xcrs != 0) {
    raw.xcrs.xcrs[0].value = state.system.xcr0;
  } else if (state.system.xcr0 != 1) {
    return fail(Errc::Unsupported, "restore vCPU state: XCR0 is set and this CPU has no XSAVE");
  }
  raw.xsave = from_fpu(state.fpu);
  raw.debug = from_debug(state.debug);
  // Nothing is in flight in a saved state.
  raw.events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
  raw.activity = from_activity(state.activity);
  raw.msrs = BH_TRY(in_writing_order(state.msrs, msrs));
  return raw;
}

}  // namespace bh::vmm::kvm
