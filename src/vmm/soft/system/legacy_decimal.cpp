#include <bit>

#include "vmm/soft/decode/op.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/flags_register.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

std::uint8_t al(Cpu const& cpu) {
  return static_cast<std::uint8_t>(cpu.gpr[Rax]);
}
std::uint8_t ah(Cpu const& cpu) {
  return static_cast<std::uint8_t>(cpu.gpr[Rax] >> 8);
}
bool has_flag(Cpu const& cpu, std::uint64_t flag) {
  return (cpu.arithmetic.rflags() & flag) != 0;
}

void set_ax(Cpu& cpu, unsigned high, unsigned low) {
  write_gpr(cpu, Rax, 2, (high & 0xff) << 8 | (low & 0xff));
}

std::uint64_t result_flags(std::uint8_t result) {
  std::uint64_t flags = 0;
  if (result == 0) flags |= kFlagZf;
  if ((result & 0x80) != 0) flags |= kFlagSf;
  if (std::popcount(result) % 2 == 0) flags |= kFlagPf;
  return flags;
}

void set_flags(Cpu& cpu, std::uint64_t flags) {
  cpu.arithmetic = ArithmeticFlags::from_rflags(flags);
}

bool low_digit_overflows(Cpu const& cpu) {
  return (al(cpu) & 0xf) > 9 || has_flag(cpu, kFlagAf);
}

/// AAA adds, AAS subtracts. The flags they leave undefined are those of the result.
Flow ascii_adjust(Cpu& cpu, int direction) {
  bool const adjust = low_digit_overflows(cpu);
  unsigned ax = static_cast<unsigned>(cpu.gpr[Rax] & 0xffff);
  if (adjust) ax += static_cast<unsigned>(direction * 0x106);
  set_ax(cpu, ax >> 8, ax & 0xf);
  set_flags(cpu, result_flags(al(cpu)) | (adjust ? kFlagAf | kFlagCf : 0));
  return Flow::Next;
}

/// DAA adds, DAS subtracts (SDM vol. 2).
Flow decimal_adjust(Cpu& cpu, int direction) {
  std::uint8_t const old = al(cpu);
  bool const old_carry = cpu.arithmetic.cf();
  unsigned value = old;
  std::uint64_t flags = 0;
  if (low_digit_overflows(cpu)) {
    value += static_cast<unsigned>(direction * 6);
    flags |= kFlagAf;
    if (old_carry || value > 0xff) flags |= kFlagCf;
  }
  if (old > 0x99 || old_carry) {
    value += static_cast<unsigned>(direction * 0x60);
    flags |= kFlagCf;
  } else if (direction > 0) {
    flags &= ~kFlagCf;
  }
  write_gpr(cpu, Rax, 1, value);
  set_flags(cpu, flags | result_flags(al(cpu)));
  return Flow::Next;
}

}  // namespace

Flow aaa(Cpu& cpu, Op const& /*op*/) {
  return ascii_adjust(cpu, 1);
}
Flow aas(Cpu& cpu, Op const& /*op*/) {
  return ascii_adjust(cpu, -1);
}
Flow daa(Cpu& cpu, Op const& /*op*/) {
  return decimal_adjust(cpu, 1);
}
Flow das(Cpu& cpu, Op const& /*op*/) {
  return decimal_adjust(cpu, -1);
}

Flow aam(Cpu& cpu, Op const& op) {
  auto const base = static_cast<std::uint8_t>(op.immediate);
  if (base == 0) return cpu.raise(kDivideError);
  set_ax(cpu, al(cpu) / base, al(cpu) % base);
  set_flags(cpu, result_flags(al(cpu)));
  return Flow::Next;
}

Flow aad(Cpu& cpu, Op const& op) {
  auto const base = static_cast<std::uint8_t>(op.immediate);
  set_ax(cpu, 0, al(cpu) + ah(cpu) * base);
  set_flags(cpu, result_flags(al(cpu)));
  return Flow::Next;
}

Flow salc(Cpu& cpu, Op const& /*op*/) {
  write_gpr(cpu, Rax, 1, cpu.arithmetic.cf() ? 0xff : 0);
  return Flow::Next;
}

}  // namespace bh::vmm::soft
