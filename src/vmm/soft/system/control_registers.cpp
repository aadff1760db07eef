#include "vmm/soft/system/control_registers.h"

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/features.h"
#include "vmm/soft/system/handlers.h"
#include "vmm/soft/system/segment_register.h"
#include "vmm/soft/system/selector_operand.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint64_t kCr0Writable =
    kCr0Pe | kCr0Mp | kCr0Em | kCr0Ts | kCr0Ne | kCr0Wp | kCr0Am | kCr0Nw | kCr0Cd | kCr0Pg;
constexpr std::uint64_t kCr4Pce = 1u << 8;
// VME and PVI are refused: there is no virtual-8086 mode and no virtual interrupt flag.
constexpr std::uint64_t kCr4Always = kCr4Tsd | kCr4De | kCr4Pse | kCr4Pae | kCr4Mce | kCr4Pge |
                                     kCr4Pce | kCr4Osfxsr | kCr4Osxmmexcpt | kCr4Fsgsbase;
constexpr std::uint64_t kCr3Reserved = ~((std::uint64_t{1} << kPhysicalAddressBits) - 1);

/// CR changes go on at the next instruction with everything looked at afresh.
Flow leave_after(Cpu& cpu, Op const& op) {
  cpu.rip = cpu.next_rip(op);
  return Flow::Leave;
}

Flow check_ring0(Cpu& cpu) {
  return cpu.cpl == 0 ? Flow::Next : cpu.raise(kGeneralProtection, 0);
}

unsigned control_size(Cpu const& cpu) {
  return cpu.code_size == CodeSize::Bits64 ? 8 : 4;
}

Flow write_cr8(Cpu& cpu, std::uint64_t value) {
  if (value > 15) return cpu.raise(kGeneralProtection, 0);
  if (cpu.machine->chips != nullptr) {
    cpu.machine->chips->set_task_priority(cpu.index, static_cast<std::uint8_t>(value));
  }
  return Flow::Next;
}

}  // namespace

Flow write_cr0(Cpu& cpu, std::uint64_t value) {
  bool const pages = (value & kCr0Pg) != 0;
  bool const paged = cpu.paging();
  bool const bad = (value >> 32) != 0 || (pages && (value & kCr0Pe) == 0) ||
                   ((value & kCr0Nw) != 0 && (value & kCr0Cd) == 0);
  if (bad) return cpu.raise(kGeneralProtection, 0);
  if (pages && !paged && (cpu.efer & kEferLme) != 0) {
    if ((cpu.cr4 & kCr4Pae) == 0 || cpu.segments[Cs].l != 0) {
      return cpu.raise(kGeneralProtection, 0);
    }
  }
  if (!pages && paged && cpu.code_size == CodeSize::Bits64) return cpu.raise(kGeneralProtection, 0);

  std::uint64_t const old = cpu.cr0;
  cpu.cr0 = (value & kCr0Writable) | kCr0Et;
  if (pages != paged) {
    bool const enters_long = pages && (cpu.efer & kEferLme) != 0;
    cpu.efer = enters_long ? cpu.efer | kEferLma : cpu.efer & ~kEferLma;
  }
  if (!cpu.protected_mode()) cpu.cpl = 0;
  cpu.code_size = code_size_of(cpu, cpu.segments[Cs]);
  // TS, EM and the like come and go with every task switch, and mean nothing to translations.
  if (((old ^ cpu.cr0) & (kCr0Pg | kCr0Pe | kCr0Wp)) != 0) cpu.mmu.forget_all();
  return Flow::Next;
}

Flow write_cr3(Cpu& cpu, std::uint64_t value) {
  if (cpu.long_mode() && (value & kCr3Reserved) != 0) return cpu.raise(kGeneralProtection, 0);
  cpu.cr3 = value;
  cpu.mmu.forget_local();
  return Flow::Next;
}

Flow write_cr4(Cpu& cpu, std::uint64_t value) {
  std::uint64_t const allowed = kCr4Always | (offers_avx(cpu) ? kCr4Osxsave : 0);
  if ((value & ~allowed) != 0) return cpu.raise(kGeneralProtection, 0);
  if (cpu.long_mode() && (value & kCr4Pae) == 0) return cpu.raise(kGeneralProtection, 0);
  std::uint64_t const changed = cpu.cr4 ^ value;
  cpu.cr4 = value;
  if ((changed & (kCr4Pae | kCr4Pse | kCr4Pge)) != 0) cpu.mmu.forget_all();
  return Flow::Next;
}

Flow mov_to_cr(Cpu& cpu, Op const& op) {
  if (auto const flow = check_ring0(cpu); flow != Flow::Next) return flow;
  std::uint64_t const value = read_gpr(cpu, op.reg[1], control_size(cpu));
  Flow flow = Flow::Next;
  switch (op.reg[0]) {
    case 0: flow = write_cr0(cpu, value); break;
    case 2: cpu.cr2 = value; break;
    case 3: flow = write_cr3(cpu, value); break;
    case 4: flow = write_cr4(cpu, value); break;
    case 8: flow = write_cr8(cpu, value); break;
    default: return cpu.raise(kInvalidOpcode);
  }
  return flow == Flow::Next ? leave_after(cpu, op) : flow;
}

Flow mov_from_cr(Cpu& cpu, Op const& op) {
  if (auto const flow = check_ring0(cpu); flow != Flow::Next) return flow;
  std::uint64_t value = 0;
  switch (op.reg[1]) {
    case 0: value = cpu.cr0; break;
    case 2: value = cpu.cr2; break;
    case 3: value = cpu.cr3; break;
    case 4: value = cpu.cr4; break;
    case 8:
      if (cpu.machine->chips != nullptr) value = cpu.machine->chips->task_priority(cpu.index);
      break;
    default: return cpu.raise(kInvalidOpcode);
  }
  write_gpr(cpu, op.reg[0], control_size(cpu), value);
  return Flow::Next;
}

Flow clts(Cpu& cpu, Op const& op) {
  if (auto const flow = check_ring0(cpu); flow != Flow::Next) return flow;
  cpu.cr0 &= ~kCr0Ts;
  return leave_after(cpu, op);
}

Flow lmsw(Cpu& cpu, Op const& op) {
  if (auto const flow = check_ring0(cpu); flow != Flow::Next) return flow;
  std::uint16_t word = 0;
  if (auto const flow = selector_operand(cpu, op, 0, word); flow != Flow::Next) return flow;
  // PE can be set this way, but not cleared.
  std::uint64_t const sets = word & (kCr0Pe | kCr0Mp | kCr0Em | kCr0Ts);
  std::uint64_t const keeps = cpu.cr0 & ~(kCr0Mp | kCr0Em | kCr0Ts);
  if (auto const flow = write_cr0(cpu, keeps | sets); flow != Flow::Next) return flow;
  return leave_after(cpu, op);
}

Flow smsw(Cpu& cpu, Op const& op) {
  if (!op.has_memory) {
    write_gpr(cpu, op.reg[0], op.operand_size, cpu.cr0);
    return Flow::Next;
  }
  auto const word = static_cast<std::uint16_t>(cpu.cr0);
  if (auto const flow = store(cpu, effective_address(cpu, op), word); flow != Flow::Next)
    return flow;
  return finish(cpu, op);
}

Flow xgetbv(Cpu& cpu, Op const& /*op*/) {
  if ((cpu.cr4 & kCr4Osxsave) == 0) return cpu.raise(kInvalidOpcode);
  if (static_cast<std::uint32_t>(cpu.gpr[Rcx]) != 0) return cpu.raise(kGeneralProtection, 0);
  cpu.gpr[Rax] = static_cast<std::uint32_t>(cpu.xcr0);
  cpu.gpr[Rdx] = cpu.xcr0 >> 32;
  return Flow::Next;
}

Flow xsetbv(Cpu& cpu, Op const& op) {
  if ((cpu.cr4 & kCr4Osxsave) == 0) return cpu.raise(kInvalidOpcode);
  if (auto const flow = check_ring0(cpu); flow != Flow::Next) return flow;
  std::uint64_t const value = (cpu.gpr[Rdx] << 32) | static_cast<std::uint32_t>(cpu.gpr[Rax]);
  bool const known = (value & ~kXcr0Offered) == 0;
  bool const ordered = (value & kXcr0Avx) == 0 || (value & kXcr0Sse) != 0;
  if (static_cast<std::uint32_t>(cpu.gpr[Rcx]) != 0 || (value & kXcr0X87) == 0 || !known ||
      !ordered) {
    return cpu.raise(kGeneralProtection, 0);
  }
  cpu.xcr0 = value;
  return leave_after(cpu, op);
}

}  // namespace bh::vmm::soft
