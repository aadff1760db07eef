#include "vmm/soft/decode/op.h"
#include "vmm/soft/mmu/walk.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

Flow check_allowed(Cpu& cpu) {
  bool const allowed = cpu.code_size == CodeSize::Bits64 && (cpu.cr4 & kCr4Fsgsbase) != 0;
  return allowed ? Flow::Next : cpu.raise(kInvalidOpcode);
}

/// Only REX.W counts: the 66 prefix does not make it 16 bits.
unsigned size_of(Op const& op) {
  return op.operand_size == 8 ? 8 : 4;
}

Flow read_base(Cpu& cpu, Op const& op, SegmentIndex index) {
  if (auto const flow = check_allowed(cpu); flow != Flow::Next) return flow;
  write_gpr(cpu, op.reg[0], size_of(op), cpu.segment_base[index]);
  return Flow::Next;
}

void set_base(Cpu& cpu, SegmentIndex index, std::uint64_t base) {
  cpu.segments[index].base = base;
  cpu.segment_base[index] = base;
}

Flow write_base(Cpu& cpu, Op const& op, SegmentIndex index) {
  if (auto const flow = check_allowed(cpu); flow != Flow::Next) return flow;
  std::uint64_t const base = read_gpr(cpu, op.reg[0], size_of(op));
  if (!is_canonical(base)) return cpu.raise(kGeneralProtection, 0);
  set_base(cpu, index, base);
  return Flow::Next;
}

}  // namespace

Flow rdfsbase(Cpu& cpu, Op const& op) {
  return read_base(cpu, op, Fs);
}
Flow rdgsbase(Cpu& cpu, Op const& op) {
  return read_base(cpu, op, Gs);
}
Flow wrfsbase(Cpu& cpu, Op const& op) {
  return write_base(cpu, op, Fs);
}
Flow wrgsbase(Cpu& cpu, Op const& op) {
  return write_base(cpu, op, Gs);
}

Flow swapgs(Cpu& cpu, Op const& /*op*/) {
  if (cpu.code_size != CodeSize::Bits64) return cpu.raise(kInvalidOpcode);
  if (cpu.cpl != 0) return cpu.raise(kGeneralProtection, 0);
  std::uint64_t const base = cpu.segment_base[Gs];
  set_base(cpu, Gs, cpu.kernel_gs_base);
  cpu.kernel_gs_base = base;
  return Flow::Next;
}

}  // namespace bh::vmm::soft
