#include "vmm/kvm/kvm_convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "vmm/kvm/kvm_cpuid.h"

namespace bh::vmm::kvm {

namespace {

/// GPR number of the encoding to KVM's field.
constexpr std::array kGprFields{
    &kvm_regs::rax, &kvm_regs::rcx, &kvm_regs::rdx, &kvm_regs::rbx, &kvm_regs::rsp, &kvm_regs::rbp,
    &kvm_regs::rsi, &kvm_regs::rdi, &kvm_regs::r8,  &kvm_regs::r9,  &kvm_regs::r10, &kvm_regs::r11,
    &kvm_regs::r12, &kvm_regs::r13, &kvm_regs::r14, &kvm_regs::r15,
};

/// SegmentIndex to KVM's field.
constexpr std::array kSegmentFields{&kvm_sregs::es, &kvm_sregs::cs, &kvm_sregs::ss,
                                    &kvm_sregs::ds, &kvm_sregs::fs, &kvm_sregs::gs};

Segment to_segment(kvm_segment const& raw) {
  return {.base = raw.base,
          .limit = raw.limit,
          .selector = raw.selector,
          .type = raw.type,
          .present = raw.present,
          .dpl = raw.dpl,
          .db = raw.db,
          .s = raw.s,
          .l = raw.l,
          .g = raw.g,
          .avl = raw.avl,
          .unusable = raw.unusable};
}

kvm_segment from_segment(Segment const& segment) {
  return {.base = segment.base,
          .limit = segment.limit,
          .selector = segment.selector,
          .type = segment.type,
          .present = segment.present,
          .dpl = segment.dpl,
          .db = segment.db,
          .s = segment.s,
          .l = segment.l,
          .g = segment.g,
          .avl = segment.avl,
          .unusable = segment.unusable,
          .padding = 0};
}

// XSAVE's standard format: SDM vol. 1, 13.4.1 and 13.4.2. The AVX component is at 576 on every CPU,
// as CPUID 0xd.2 says.
constexpr std::size_t kHeaderOffset = 512;
constexpr std::size_t kYmmOffset = 576;
constexpr std::uint64_t kX87 = 1;
constexpr std::uint64_t kSse = 2;
constexpr std::uint64_t kAvx = 4;
// FXSAVE: control word, abridged tags, MXCSR, registers, and what is left to software.
constexpr std::size_t kMxcsrOffset = 24;
constexpr std::size_t kMxcsrMaskOffset = 28;
constexpr std::size_t kXmmOffset = 160;
constexpr std::size_t kXmmEnd = 416;
constexpr std::uint32_t kMxcsrBits = 0xffff;

template <typename T>
T load(std::span<std::byte const> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

GeneralRegisters to_general(kvm_regs const& raw) {
  GeneralRegisters registers;
  for (std::size_t i = 0; i < kGprFields.size(); ++i) registers.gpr[i] = raw.*kGprFields[i];
  registers.rip = raw.rip;
  registers.rflags = raw.rflags;
  return registers;
}

kvm_regs from_general(GeneralRegisters const& registers) {
  kvm_regs raw{};
  for (std::size_t i = 0; i < kGprFields.size(); ++i) raw.*kGprFields[i] = registers.gpr[i];
  raw.rip = registers.rip;
  raw.rflags = registers.rflags;
  return raw;
}

SystemRegisters to_system(kvm_sregs const& raw) {
  SystemRegisters registers;
  for (std::size_t i = 0; i < kSegmentFields.size(); ++i) {
    registers.segments[i] = to_segment(raw.*kSegmentFields[i]);
  }
  registers.tr = to_segment(raw.tr);
  registers.ldt = to_segment(raw.ldt);
  registers.gdt = {.base = raw.gdt.base, .limit = raw.gdt.limit};
  registers.idt = {.base = raw.idt.base, .limit = raw.idt.limit};
  registers.cr0 = raw.cr0;
  registers.cr2 = raw.cr2;
  registers.cr3 = raw.cr3;
  registers.cr4 = raw.cr4;
  registers.cr8 = raw.cr8;
  registers.efer = raw.efer;
  registers.apic_base = raw.apic_base;
  return registers;
}

kvm_sregs from_system(SystemRegisters const& registers) {
  kvm_sregs raw{};
  for (std::size_t i = 0; i < kSegmentFields.size(); ++i) {
    raw.*kSegmentFields[i] = from_segment(registers.segments[i]);
  }
  raw.tr = from_segment(registers.tr);
  raw.ldt = from_segment(registers.ldt);
  raw.gdt = {.base = registers.gdt.base, .limit = registers.gdt.limit, .padding = {}};
  raw.idt = {.base = registers.idt.base, .limit = registers.idt.limit, .padding = {}};
  raw.cr0 = registers.cr0;
  raw.cr2 = registers.cr2;
  raw.cr3 = registers.cr3;
  raw.cr4 = registers.cr4;
  raw.cr8 = registers.cr8;
  raw.efer = registers.efer;
  raw.apic_base = registers.apic_base;
  return raw;
}

FpuState to_fpu(XsaveArea const& area) {
  FpuState fpu;
  auto const present = load<std::uint64_t>(area.bytes, kHeaderOffset);
  std::copy_n(area.bytes.begin(), fpu.fxsave.size(), fpu.fxsave.begin());
  if ((present & kX87) == 0) {
    auto const mxcsr = load<std::uint32_t>(area.bytes, kMxcsrOffset);
    std::fill_n(fpu.fxsave.begin(), kXmmOffset, std::byte{0});
    fpu.fxsave[0] = std::byte{0x7f};  // FCW 0x37f, as after FNINIT.
    fpu.fxsave[1] = std::byte{0x03};
    // MXCSR belongs to SSE and AVX, but lies here.
    std::memcpy(fpu.fxsave.data() + kMxcsrOffset, &mxcsr, sizeof mxcsr);
  }
  if ((present & kSse) == 0) {
    std::fill(fpu.fxsave.begin() + kXmmOffset, fpu.fxsave.begin() + kXmmEnd, std::byte{0});
    if ((present & kAvx) == 0) {
      constexpr std::uint32_t kInitialMxcsr = 0x1f80;
      std::memcpy(fpu.fxsave.data() + kMxcsrOffset, &kInitialMxcsr, sizeof kInitialMxcsr);
    }
  }
  // The mask is the host CPU's, and the end is software's: neither is the guest's.
  std::fill_n(fpu.fxsave.begin() + kMxcsrMaskOffset, 4, std::byte{0});
  std::fill(fpu.fxsave.begin() + kXmmEnd, fpu.fxsave.end(), std::byte{0});
  if ((present & kAvx) != 0) {
    std::memcpy(fpu.ymm_high.data(), area.bytes.data() + kYmmOffset, sizeof fpu.ymm_high);
  }
  return fpu;
}

XsaveArea from_fpu(FpuState const& fpu) {
  XsaveArea area;
  std::copy_n(fpu.fxsave.begin(), kXmmEnd, area.bytes.begin());
  std::fill_n(area.bytes.begin() + kMxcsrMaskOffset, 4, std::byte{0});
  std::uint64_t present = kX87 | kSse;
  // A CPU without AVX refuses the component, and zeroes are its initial value anyway.
  if (fpu.ymm_high != FpuState{}.ymm_high) {
    present |= kAvx;
    std::memcpy(area.bytes.data() + kYmmOffset, fpu.ymm_high.data(), sizeof fpu.ymm_high);
  }
  std::memcpy(area.bytes.data() + kHeaderOffset, &present, sizeof present);
  return area;
}

DebugRegisters to_debug(kvm_debugregs const& raw) {
  DebugRegisters registers;
  std::copy(std::begin(raw.db), std::end(raw.db), registers.address.begin());
  registers.dr6 = raw.dr6;
  registers.dr7 = raw.dr7;
  return registers;
}

kvm_debugregs from_debug(DebugRegisters const& registers) {
  kvm_debugregs raw{};
  std::ranges::copy(registers.address, std::begin(raw.db));
  raw.dr6 = registers.dr6;
  raw.dr7 = registers.dr7;
  return raw;
}

Result<Activity> to_activity(kvm_mp_state const& raw) {
  switch (raw.mp_state) {
    case KVM_MP_STATE_RUNNABLE: return Activity::Running;
    case KVM_MP_STATE_HALTED: return Activity::Halted;
    case KVM_MP_STATE_UNINITIALIZED:
    case KVM_MP_STATE_INIT_RECEIVED: return Activity::WaitForSipi;
    default: return fail(Errc::Busy, "save vCPU state: a start-up IPI is being handled; try again");
  }
}

kvm_mp_state from_activity(Activity activity) {
  switch (activity) {
    case Activity::Halted: return {KVM_MP_STATE_HALTED};
    // Not UNINITIALIZED, which KVM leaves only through another INIT: a guest that has sent INIT
    // sends nothing but SIPI, and one that has not is served by INIT_RECEIVED as well.
    case Activity::WaitForSipi: return {KVM_MP_STATE_INIT_RECEIVED};
    case Activity::Running: break;
  }
  return {KVM_MP_STATE_RUNNABLE};
}

Result<> check(VcpuState const& state) {
  auto const refuse = [](std::string_view what, std::uint64_t value) {
    return fail(Errc::Invalid,
                fmt::format("restore vCPU state: {} is {:#x}, which no CPU has", what, value));
  };
  if ((state.system.xcr0 & 1) == 0) return refuse("XCR0", state.system.xcr0);
  if ((state.system.xcr0 & ~kXsaveComponents) != 0) {
    return fail(Errc::Unsupported,
                fmt::format("restore vCPU state: XCR0 is {:#x}, and only x87, SSE and AVX (0x7) "
                            "are offered to guests",
                            state.system.xcr0));
  }
  if (state.system.cr8 > 15) return refuse("CR8", state.system.cr8);
  // KVM ignores a wrong fixed bit and runs on with another value than was asked for.
  if ((state.general.rflags & 2) == 0) return refuse("RFLAGS", state.general.rflags);
  if ((state.general.rflags & ~std::uint64_t{0x3f'7fd7}) != 0) {
    return refuse("RFLAGS", state.general.rflags);
  }
  auto const mxcsr = load<std::uint32_t>(state.fpu.fxsave, kMxcsrOffset);
  if ((mxcsr & ~kMxcsrBits) != 0) return refuse("MXCSR", mxcsr);
  if (state.debug.dr6 >> 32 != 0) return refuse("DR6", state.debug.dr6);
  if (state.debug.dr7 >> 32 != 0) return refuse("DR7", state.debug.dr7);
  return {};
}

}  // namespace bh::vmm::kvm
