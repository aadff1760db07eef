#pragma once

#include <cstdint>

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// Flags POPF and IRET may change at the present CPL and IOPL, for an operand of `size` bytes (SDM
/// vol. 2, POPF). RF and VM are not among them.
inline std::uint64_t changeable_flags(Cpu const& cpu, unsigned size) {
  std::uint64_t mask = kFlagsArithmetic | kFlagTf | kFlagDf | kFlagNt;
  bool const real = !cpu.protected_mode();
  auto const iopl = (cpu.system_flags & kFlagIopl) >> 12;
  if (real || cpu.cpl == 0) mask |= kFlagIopl;
  if (real || cpu.cpl <= iopl) mask |= kFlagIf;
  if (size > 2) mask |= kFlagAc | kFlagId;
  return mask;
}

/// Takes the bits of `mask` from `value`, and keeps the others.
inline void replace_flags(Cpu& cpu, std::uint64_t value, std::uint64_t mask) {
  cpu.set_rflags((cpu.rflags() & ~mask) | (value & mask));
}

/// Sets or clears one of the arithmetic flags.
inline void set_arithmetic_flag(Cpu& cpu, std::uint64_t flag, bool on) {
  std::uint64_t const flags = cpu.arithmetic.rflags();
  cpu.arithmetic = ArithmeticFlags::from_rflags(on ? flags | flag : flags & ~flag);
}

}  // namespace bh::vmm::soft
