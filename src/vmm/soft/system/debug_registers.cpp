#include "vmm/soft/decode/op.h"
#include "vmm/soft/step/registers.h"
#include "vmm/soft/system/debug_bits.h"
#include "vmm/soft/system/handlers.h"

namespace bh::vmm::soft {

namespace {

// Bits that always read as 1 or can be written (SDM vol. 3, 17.2).
constexpr std::uint64_t kDr6Ones = 0xffff'0ff0;
constexpr std::uint64_t kDr6Writable = 0xe00f;
constexpr std::uint64_t kDr7Ones = 0x400;
constexpr std::uint64_t kDr7Writable = 0xffff'23ff;

/// DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE forbids them.
Flow check_access(Cpu& cpu, std::uint8_t& number) {
  bool const aliased = number == 4 || number == 5;
  if (number >= 8 || (aliased && (cpu.cr4 & kCr4De) != 0)) return cpu.raise(kInvalidOpcode);
  if (cpu.cpl != 0) return cpu.raise(kGeneralProtection, 0);
  if ((cpu.debug.dr7 & kDr7GeneralDetect) != 0) {
    cpu.debug.dr6 |= kDr6DebugRegister;
    return cpu.raise(kDebug);
  }
  if (aliased) number += 2;
  return Flow::Next;
}

unsigned debug_size(Cpu const& cpu) {
  return cpu.code_size == CodeSize::Bits64 ? 8 : 4;
}

}  // namespace

// Stored only: breakpoints never match.
Flow mov_to_dr(Cpu& cpu, Op const& op) {
  std::uint8_t number = op.reg[0];
  if (auto const flow = check_access(cpu, number); flow != Flow::Next) return flow;
  std::uint64_t const value = read_gpr(cpu, op.reg[1], debug_size(cpu));
  if (number < 4) {
    cpu.debug.address[number] = value;
    return Flow::Next;
  }
  if ((value >> 32) != 0) return cpu.raise(kGeneralProtection, 0);
  if (number == 6) {
    cpu.debug.dr6 = (value & kDr6Writable) | kDr6Ones;
  } else {
    cpu.debug.dr7 = (value & kDr7Writable) | kDr7Ones;
  }
  return Flow::Next;
}

Flow mov_from_dr(Cpu& cpu, Op const& op) {
  std::uint8_t number = op.reg[1];
  if (auto const flow = check_access(cpu, number); flow != Flow::Next) return flow;
  std::uint64_t value = 0;
  switch (number) {
    case 6: value = cpu.debug.dr6; break;
    case 7: value = cpu.debug.dr7; break;
    default: value = cpu.debug.address[number]; break;
  }
  write_gpr(cpu, op.reg[0], debug_size(cpu), value);
  return Flow::Next;
}

}  // namespace bh::vmm::soft
