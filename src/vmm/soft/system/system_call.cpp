#include "vmm/soft/decode/op.h"
#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/system/debug_bits.h"
#include "vmm/soft/system/deliver.h"
#include "vmm/soft/system/descriptor.h"
#include "vmm/soft/system/flags_register.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/segment_register.h"

namespace bh::vmm::soft {

namespace {

// SYSRET takes these from R11 (SDM vol. 2, SYSRET): all but RF, VM and the reserved bits.
constexpr std::uint64_t kSysretFlags = 0x3c'7fd7;

// KVM's answers to a hypercall it does not know, and to one from user mode (Linux,
// uapi/linux/kvm_para.h).
constexpr std::uint64_t kHypercallUnknown = static_cast<std::uint64_t>(-1000);
constexpr std::uint64_t kHypercallDenied = static_cast<std::uint64_t>(-1);

void enter_flat(Cpu& cpu, std::uint16_t code, std::uint16_t stack, std::uint8_t cpl, bool is_long) {
  set_code_segment(cpu, flat_code(static_cast<std::uint16_t>((code & ~3) | cpl), cpl, is_long),
                   cpl);
  set_segment(cpu, Ss, flat_stack(static_cast<std::uint16_t>((stack & ~3) | cpl), cpl));
}

}  // namespace

Flow syscall_(Cpu& cpu, Op const& op) {
  // Like every Intel CPU, none in compatibility mode: CSTAR is kept, but never used.
  if ((cpu.efer & kEferSce) == 0 || cpu.code_size != CodeSize::Bits64) {
    return cpu.raise(kInvalidOpcode);
  }
  cpu.gpr[Rcx] = cpu.next_rip(op);
  cpu.gpr[R11] = cpu.rflags() & ~kFlagRf;
  cpu.set_rflags(cpu.rflags() & ~cpu.syscall_mask & ~kFlagRf);
  auto const selector = static_cast<std::uint16_t>(cpu.star >> 32);
  enter_flat(cpu, selector, static_cast<std::uint16_t>(selector + 8), 0, true);
  cpu.rip = cpu.lstar;
  return Flow::Leave;
}

Flow sysret(Cpu& cpu, Op const& op) {
  if ((cpu.efer & kEferSce) == 0 || cpu.code_size != CodeSize::Bits64) {
    return cpu.raise(kInvalidOpcode);
  }
  bool const to_long = op.operand_size == 8;
  if (cpu.cpl != 0 || (to_long && !is_canonical(cpu.gpr[Rcx]))) {
    return cpu.raise(kGeneralProtection, 0);
  }
  auto const selector = static_cast<std::uint16_t>(cpu.star >> 48);
  enter_flat(cpu, static_cast<std::uint16_t>(selector + (to_long ? 16 : 0)),
             static_cast<std::uint16_t>(selector + 8), 3, to_long);
  cpu.rip = to_long ? cpu.gpr[Rcx] : static_cast<std::uint32_t>(cpu.gpr[Rcx]);
  cpu.set_rflags(cpu.gpr[R11] & kSysretFlags);
  if ((cpu.system_flags & kFlagTf) == 0) [[likely]]
    return Flow::Leave;
  // To who single-steps over SYSCALL, SYSRET is its end: the trap comes here, not an instruction
  // later.
  return deliver_debug_trap(cpu, kDr6SingleStep) == Delivery::Done ? Flow::Leave : Flow::Exit;
}

Flow sysenter(Cpu& cpu, Op const& /*op*/) {
  auto const selector = static_cast<std::uint16_t>(cpu.sysenter_cs);
  if (!cpu.protected_mode() || selector_is_null(selector)) return cpu.raise(kGeneralProtection, 0);
  bool const wide = cpu.long_mode();
  cpu.system_flags &= ~(kFlagVm | kFlagIf | kFlagRf);
  enter_flat(cpu, selector, static_cast<std::uint16_t>(selector + 8), 0, wide);
  cpu.gpr[Rsp] = wide ? cpu.sysenter_esp : static_cast<std::uint32_t>(cpu.sysenter_esp);
  cpu.rip = wide ? cpu.sysenter_eip : static_cast<std::uint32_t>(cpu.sysenter_eip);
  return Flow::Leave;
}

Flow sysexit(Cpu& cpu, Op const& op) {
  auto const selector = static_cast<std::uint16_t>(cpu.sysenter_cs);
  if (!cpu.protected_mode() || cpu.cpl != 0 || selector_is_null(selector)) {
    return cpu.raise(kGeneralProtection, 0);
  }
  bool const to_long = op.operand_size == 8;
  std::uint64_t const rip = to_long ? cpu.gpr[Rdx] : static_cast<std::uint32_t>(cpu.gpr[Rdx]);
  std::uint64_t const rsp = to_long ? cpu.gpr[Rcx] : static_cast<std::uint32_t>(cpu.gpr[Rcx]);
  if (!is_canonical(rip) || !is_canonical(rsp)) return cpu.raise(kGeneralProtection, 0);
  enter_flat(cpu, static_cast<std::uint16_t>(selector + (to_long ? 32 : 16)),
             static_cast<std::uint16_t>(selector + (to_long ? 40 : 24)), 3, to_long);
  cpu.gpr[Rsp] = rsp;
  cpu.rip = rip;
  return Flow::Leave;
}

Flow vmcall(Cpu& cpu, Op const& /*op*/) {
  cpu.gpr[Rax] = cpu.cpl == 0 ? kHypercallUnknown : kHypercallDenied;
  return Flow::Next;
}

}  // namespace bh::vmm::soft
