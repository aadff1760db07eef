#include "vmm/soft/decode/op.h"
#include "vmm/soft/mmu/access.h"
#include "vmm/soft/system/features.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

constexpr std::size_t kStatusWord = 2;  // Of the FXSAVE image.
constexpr std::uint8_t kErrorSummary = 0x80;

Flow check_task_switched(Cpu& cpu) {
  return (cpu.cr0 & kCr0Ts) == 0 ? Flow::Next : cpu.raise(kDeviceNotAvailable);
}

}  // namespace

Flow check_fpu(Cpu& cpu, Op const& op) {
  constexpr std::uint64_t kAvxState = kXcr0Sse | kXcr0Avx;
  bool const emulated = (cpu.cr0 & kCr0Em) != 0;
  switch (op.fpu) {
    case FpuUse::None: return Flow::Next;
    case FpuUse::X87:
      if (emulated) return cpu.raise(kDeviceNotAvailable);
      break;
    case FpuUse::Mmx:
      if (emulated) return cpu.raise(kInvalidOpcode);
      break;
    case FpuUse::Sse:
      if (emulated || (cpu.cr4 & kCr4Osfxsr) == 0) return cpu.raise(kInvalidOpcode);
      break;
    case FpuUse::Avx:
      if ((cpu.cr4 & kCr4Osxsave) == 0 || (cpu.xcr0 & kAvxState) != kAvxState ||
          !cpu.protected_mode()) {
        return cpu.raise(kInvalidOpcode);
      }
      break;
  }
  return check_task_switched(cpu);
}

Flow fwait(Cpu& cpu, Op const& /*op*/) {
  constexpr std::uint64_t kTrapsWait = kCr0Mp | kCr0Ts;
  if ((cpu.cr0 & kTrapsWait) == kTrapsWait) return cpu.raise(kDeviceNotAvailable);
  bool const pending =
      (std::to_integer<std::uint8_t>(cpu.fxsave[kStatusWord]) & kErrorSummary) != 0;
  return pending ? cpu.raise(kX87Error) : Flow::Next;
}

Flow ldmxcsr(Cpu& cpu, Op const& op) {
  if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  std::uint32_t value = 0;
  if (auto const flow = load(cpu, effective_address(cpu, op), value); flow != Flow::Next)
    return flow;
  if ((value & ~kMxcsrMask) != 0) return cpu.raise(kGeneralProtection, 0);
  cpu.mxcsr = value;
  return Flow::Next;
}

Flow stmxcsr(Cpu& cpu, Op const& op) {
  if (auto const flow = check_fpu(cpu, op); flow != Flow::Next) return flow;
  if (auto const flow = store(cpu, effective_address(cpu, op), cpu.mxcsr); flow != Flow::Next) {
    return flow;
  }
  return finish(cpu, op);
}

}  // namespace bh::vmm::soft
