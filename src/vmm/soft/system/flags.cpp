#include "vmm/soft/step/registers.h"
#include "vmm/soft/step/stack.h"
#include "vmm/soft/system/flags_register.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

Flow leave_after(Cpu& cpu, Op const& op) {
  cpu.rip = cpu.next_rip(op);
  return Flow::Leave;
}

bool may_change_if(Cpu const& cpu) {
  auto const iopl = (cpu.system_flags & kFlagIopl) >> 12;
  return !cpu.protected_mode() || cpu.cpl <= iopl;
}

unsigned slot_size(Cpu const& cpu, Op const& op) {
  if (cpu.code_size == CodeSize::Bits64) return op.operand_size == 2 ? 2 : 8;
  return op.operand_size == 2 ? 2 : 4;
}

}  // namespace

Flow cli(Cpu& cpu, Op const& /*op*/) {
  if (!may_change_if(cpu)) return cpu.raise(kGeneralProtection, 0);
  cpu.system_flags &= ~kFlagIf;
  return Flow::Next;  // Nothing to look at: an interrupt can only have become impossible.
}

Flow sti(Cpu& cpu, Op const& op) {
  if (!may_change_if(cpu)) return cpu.raise(kGeneralProtection, 0);
  if (cpu.interrupts_enabled()) return Flow::Next;
  cpu.system_flags |= kFlagIf;
  cpu.interrupt_shadow = true;
  return leave_after(cpu, op);
}

Flow cld(Cpu& cpu, Op const& /*op*/) {
  cpu.system_flags &= ~kFlagDf;
  return Flow::Next;
}

Flow std_(Cpu& cpu, Op const& /*op*/) {
  cpu.system_flags |= kFlagDf;
  return Flow::Next;
}

Flow clc(Cpu& cpu, Op const& /*op*/) {
  set_arithmetic_flag(cpu, kFlagCf, false);
  return Flow::Next;
}

Flow stc(Cpu& cpu, Op const& /*op*/) {
  set_arithmetic_flag(cpu, kFlagCf, true);
  return Flow::Next;
}

Flow cmc(Cpu& cpu, Op const& /*op*/) {
  set_arithmetic_flag(cpu, kFlagCf, !cpu.arithmetic.cf());
  return Flow::Next;
}

Flow lahf(Cpu& cpu, Op const& /*op*/) {
  write_gpr(cpu, kHighByte | Rax, 1, (cpu.rflags() & 0xd5) | kFlagsReserved1);
  return Flow::Next;
}

Flow sahf(Cpu& cpu, Op const& /*op*/) {
  replace_flags(cpu, read_gpr(cpu, kHighByte | Rax, 1),
                kFlagSf | kFlagZf | kFlagAf | kFlagPf | kFlagCf);
  return Flow::Next;
}

Flow pushf(Cpu& cpu, Op const& op) {
  std::uint64_t const image = cpu.rflags() & ~(kFlagRf | kFlagVm);
  if (auto const flow = push(cpu, image, slot_size(cpu, op)); flow != Flow::Next) return flow;
  return finish(cpu, op);
}

Flow popf(Cpu& cpu, Op const& op) {
  unsigned const size = slot_size(cpu, op);
  std::uint64_t image = 0;
  if (auto const flow = peek(cpu, image, size); flow != Flow::Next) return flow;
  adjust_stack(cpu, size);
  std::uint64_t const old = cpu.system_flags;
  replace_flags(cpu, image, changeable_flags(cpu, size));
  cpu.system_flags &= ~kFlagRf;
  // TF set means that the next instruction traps; IF set, that an interrupt may come before it.
  std::uint64_t const risen = cpu.system_flags & ~old;
  bool const look = (risen & kFlagIf) != 0 || (cpu.system_flags & kFlagTf) != 0;
  return look ? leave_after(cpu, op) : Flow::Next;
}

Flow hlt(Cpu& cpu, Op const& op) {
  if (cpu.cpl != 0) return cpu.raise(kGeneralProtection, 0);
  cpu.activity = Activity::Halted;
  return leave_after(cpu, op);
}

}  // namespace bh::vmm::soft
