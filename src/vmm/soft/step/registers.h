#pragma once

#include <cstdint>
#include <cstring>

#include "vmm/soft/decode/op.h"
#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// General registers by operand code (Op::reg) and size in bytes.

inline std::uint64_t read_gpr(Cpu const& cpu, std::uint8_t code, unsigned size) {
  if ((code & kHighByte) != 0) return (cpu.gpr[code & 0xf] >> 8) & 0xff;
  std::uint64_t const value = cpu.gpr[code];
  switch (size) {
    case 1: return static_cast<std::uint8_t>(value);
    case 2: return static_cast<std::uint16_t>(value);
    case 4: return static_cast<std::uint32_t>(value);
    default: return value;
  }
}

/// 32-bit writes clear the upper half, narrower ones keep it.
inline void write_gpr(Cpu& cpu, std::uint8_t code, unsigned size, std::uint64_t value) {
  std::uint64_t& reg = cpu.gpr[code & 0xf];
  switch (size) {
    case 1:
      if ((code & kHighByte) != 0) {
        reg = (reg & ~std::uint64_t{0xff00}) | (value & 0xff) << 8;
      } else {
        reg = (reg & ~std::uint64_t{0xff}) | (value & 0xff);
      }
      break;
    case 2: reg = (reg & ~std::uint64_t{0xffff}) | (value & 0xffff); break;
    case 4: reg = static_cast<std::uint32_t>(value); break;
    default: reg = value; break;
  }
}

/// `value` with only its low `size` bytes.
inline std::uint64_t cut(std::uint64_t value, unsigned size) {
  return size >= 8 ? value : value & ((std::uint64_t{1} << (8 * size)) - 1);
}

}  // namespace bh::vmm::soft
