#include "vmm/soft/mmu/access.h"
#include "vmm/soft/system/features.h"
#include "vmm/soft/system/fpu_image.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint64_t kAlignment = 16;

/// CR0.EM and TS are #NM, a misaligned area #GP.
Flow check(Cpu& cpu, std::uint64_t linear) {
  if ((cpu.cr0 & (kCr0Em | kCr0Ts)) != 0) return cpu.raise(kDeviceNotAvailable);
  if (linear % kAlignment != 0) return cpu.raise(kGeneralProtection, 0);
  return Flow::Next;
}

Flow save(Cpu& cpu, Op const& op, FpuPointers pointers) {
  std::uint64_t const linear = effective_address(cpu, op);
  if (auto const flow = check(cpu, linear); flow != Flow::Next) return flow;
  FpuImage image;
  // Before the area is read: a fault is one of a write, also in the part that is not written.
  if (auto const flow = probe_write(cpu, linear, image.size(), current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  // Registers this code cannot name keep what memory has: read what is not written.
  if (auto const flow = read_memory(cpu, linear, image, current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  save_x87(cpu, pointers, image);
  save_mxcsr(cpu, image);
  save_xmm(cpu, image);
  if (auto const flow =
          write_memory(cpu, linear, std::span(image).first(kImageWritten), current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  return finish(cpu, op);
}

Flow restore(Cpu& cpu, Op const& op, FpuPointers pointers) {
  std::uint64_t const linear = effective_address(cpu, op);
  if (auto const flow = check(cpu, linear); flow != Flow::Next) return flow;
  FpuImage image;
  if (auto const flow = read_memory(cpu, linear, image, current_privilege(cpu));
      flow != Flow::Next) {
    return flow;
  }
  if ((mxcsr_of(image) & ~kMxcsrMask) != 0) return cpu.raise(kGeneralProtection, 0);
  load_x87(cpu, pointers, image);
  cpu.mxcsr = mxcsr_of(image);
  load_xmm(cpu, image);
  return Flow::Next;
}

}  // namespace

Flow fxsave(Cpu& cpu, Op const& op) {
  return save(cpu, op, FpuPointers::SelectorsAnd32);
}
Flow fxsave64(Cpu& cpu, Op const& op) {
  return save(cpu, op, FpuPointers::Offsets64);
}
Flow fxrstor(Cpu& cpu, Op const& op) {
  return restore(cpu, op, FpuPointers::SelectorsAnd32);
}
Flow fxrstor64(Cpu& cpu, Op const& op) {
  return restore(cpu, op, FpuPointers::Offsets64);
}

}  // namespace bh::vmm::soft
