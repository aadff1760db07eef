#include <algorithm>
#include <cstring>
#include <ranges>
#include <span>
#include <string>
#include <vector>

#include "vmm/soft/soft_vcpu.h"
#include "vmm/soft/system/msr.h"

namespace bh::vmm::soft {

namespace {

// Fields of the FXSAVE64 image (SDM vol. 1, 10.5.1).
constexpr std::size_t kFxsaveMxcsr = 24;
constexpr std::size_t kFxsaveMxcsrMask = 28;
constexpr std::size_t kFxsaveXmm = 160;
constexpr std::uint32_t kMxcsrMask = 0xffff;

FpuState save_fpu(Cpu const& cpu) {
  FpuState state;
  state.fxsave = cpu.fxsave;
  std::memcpy(state.fxsave.data() + kFxsaveMxcsr, &cpu.mxcsr, sizeof cpu.mxcsr);
  std::memcpy(state.fxsave.data() + kFxsaveMxcsrMask, &kMxcsrMask, sizeof kMxcsrMask);
  for (std::size_t i = 0; i < cpu.ymm.size(); ++i) {
    std::memcpy(state.fxsave.data() + kFxsaveXmm + 16 * i, cpu.ymm[i].data(), 16);
    std::memcpy(state.ymm_high[i].data(), cpu.ymm[i].data() + 16, 16);
  }
  return state;
}

void restore_fpu(Cpu& cpu, FpuState const& state) {
  std::uint32_t const host_mxcsr = cpu.host_mxcsr;
  cpu.fxsave = state.fxsave;
  std::memcpy(&cpu.mxcsr, state.fxsave.data() + kFxsaveMxcsr, sizeof cpu.mxcsr);
  std::memcpy(cpu.fxsave.data() + kFxsaveMxcsr, &host_mxcsr, sizeof host_mxcsr);
  for (std::size_t i = 0; i < cpu.ymm.size(); ++i) {
    std::memcpy(cpu.ymm[i].data(), state.fxsave.data() + kFxsaveXmm + 16 * i, 16);
    std::memcpy(cpu.ymm[i].data() + 16, state.ymm_high[i].data(), 16);
  }
}

CodeSize code_size_of(SystemRegisters const& system) {
  Segment const& code = system.segments[Cs];
  if ((system.efer & kEferLma) != 0 && code.l != 0) return CodeSize::Bits64;
  bool const protected_mode = (system.cr0 & kCr0Pe) != 0;
  return protected_mode && code.db != 0 ? CodeSize::Bits32 : CodeSize::Bits16;
}

/// What a hostile snapshot could set that the handlers rely on.
Result<> check(VcpuState const& state) {
  auto const& system = state.system;
  bool const paging = (system.cr0 & kCr0Pg) != 0;
  if (paging && (system.cr0 & kCr0Pe) == 0) {
    return fail(Errc::Invalid, "restore vcpu: CR0.PG is set without CR0.PE");
  }
  bool const long_mode = (system.efer & kEferLma) != 0;
  if (long_mode != (paging && (system.efer & kEferLme) != 0)) {
    return fail(Errc::Invalid, "restore vcpu: EFER.LMA does not follow from EFER.LME and CR0.PG");
  }
  std::uint32_t mxcsr = 0;
  std::memcpy(&mxcsr, state.fpu.fxsave.data() + kFxsaveMxcsr, sizeof mxcsr);
  if ((mxcsr & ~kMxcsrMask) != 0) {
    return fail(Errc::Invalid, "restore vcpu: MXCSR has reserved bits set");
  }
  return {};
}

/// All of them or none.
Result<> restore_msrs(Cpu& cpu, std::span<Msr const> msrs) {
  std::vector<Msr> old;
  for (auto const& msr : msrs) {
    std::uint64_t value = 0;
    if (read_msr(cpu, msr.index, value) && restore_msr(cpu, msr.index, msr.value)) {
      old.push_back({msr.index, value});
      continue;
    }
    for (auto const& undone : old | std::views::reverse) {
      restore_msr(cpu, undone.index, undone.value);
    }
    return fail(Errc::Invalid,
                "restore vcpu: MSR " + std::to_string(msr.index) + " has a value the CPU refuses");
  }
  return {};
}

}  // namespace

Result<VcpuState> SoftVcpu::save() {
  Cpu& cpu = *cpu_;
  VcpuState state;
  std::copy_n(cpu.gpr.begin(), state.general.gpr.size(), state.general.gpr.begin());
  state.general.rip = cpu.rip;
  state.general.rflags = cpu.rflags();
  auto& system = state.system;
  system.segments = cpu.segments;
  for (std::size_t i = 0; i < system.segments.size(); ++i) {
    system.segments[i].base = cpu.segment_base[i];
  }
  system.tr = cpu.tr;
  system.ldt = cpu.ldt;
  system.gdt = cpu.gdt;
  system.idt = cpu.idt;
  system.cr0 = cpu.cr0;
  system.cr2 = cpu.cr2;
  system.cr3 = cpu.cr3;
  system.cr4 = cpu.cr4;
  system.efer = cpu.efer;
  system.xcr0 = cpu.xcr0;
  if (machine_.chips != nullptr) {
    system.cr8 = machine_.chips->task_priority(cpu.index);
    system.apic_base = machine_.chips->msr_read(cpu.index, 0x1b).value_or(0);
  }
  state.fpu = save_fpu(cpu);
  state.debug = cpu.debug;
  for (auto const index : saved_msrs()) {
    std::uint64_t value = 0;
    if (read_msr(cpu, index, value)) state.msrs.push_back({index, value});
  }
  state.activity = cpu.activity;
  return state;
}

Result<> SoftVcpu::restore(VcpuState const& state) {
  BH_TRY(check(state));
  auto const before = BH_TRY(save());
  auto applied = apply(state);
  // What was saved a moment ago is accepted.
  if (!applied) (void)apply(before);
  return applied;
}

Result<> SoftVcpu::apply(VcpuState const& state) {
  Cpu& cpu = *cpu_;
  BH_TRY(restore_msrs(cpu, state.msrs));  // First: what else can be refused was checked.
  auto const& system = state.system;
  std::copy_n(state.general.gpr.begin(), state.general.gpr.size(), cpu.gpr.begin());
  cpu.rip = state.general.rip;
  cpu.set_rflags(state.general.rflags);
  cpu.segments = system.segments;
  for (std::size_t i = 0; i < system.segments.size(); ++i) {
    cpu.segment_base[i] = system.segments[i].base;
  }
  cpu.tr = system.tr;
  cpu.ldt = system.ldt;
  cpu.gdt = system.gdt;
  cpu.idt = system.idt;
  cpu.cr0 = system.cr0;
  cpu.cr2 = system.cr2;
  cpu.cr3 = system.cr3;
  cpu.cr4 = system.cr4;
  cpu.efer = system.efer;
  cpu.xcr0 = system.xcr0 | 1;
  cpu.cpl = (system.cr0 & kCr0Pe) != 0 ? system.segments[Ss].dpl & 3 : 0;
  cpu.code_size = code_size_of(system);
  cpu.debug = state.debug;
  cpu.activity = state.activity;
  cpu.interrupt_shadow = false;
  cpu.replay.clear();
  restore_fpu(cpu, state.fpu);
  if (machine_.chips != nullptr) {
    machine_.chips->set_task_priority(cpu.index, static_cast<std::uint8_t>(system.cr8 & 15));
  }
  cpu.mmu.forget_all();
  return {};
}

}  // namespace bh::vmm::soft
