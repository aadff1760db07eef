#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/engine/registers.h"

namespace bh::vmm::soft {

/// Writes the few host instructions that surround a guest instruction in a native stub.
/// `Gpr` here names host registers; offsets are 32-bit displacements from a base register.
class Emitter {
 public:
  std::span<std::uint8_t const> code() const { return {bytes_.data(), size_}; }
  std::size_t size() const { return size_; }

  void byte(unsigned value) { bytes_[size_++] = static_cast<std::uint8_t>(value); }
  void bytes(std::span<std::uint8_t const> values) {
    for (auto const value : values) byte(value);
  }
  void dword(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) byte(value >> shift);
  }

  void push(Gpr reg) {
    if (reg >= R8) byte(0x41);
    byte(0x50 + (reg & 7));
  }
  void pop(Gpr reg) {
    if (reg >= R8) byte(0x41);
    byte(0x58 + (reg & 7));
  }
  void ret() { byte(0xc3); }
  void move(Gpr to, Gpr from) {
    rex_w(from, to), byte(0x89), byte(0xc0 | (from & 7) << 3 | (to & 7));
  }
  void load64(Gpr to, Gpr base, std::uint32_t offset) {
    rex_w(to, base), byte(0x8b), memory(to, base, offset);
  }
  void store64(Gpr from, Gpr base, std::uint32_t offset) {
    rex_w(from, base), byte(0x89), memory(from, base, offset);
  }
  /// mov eax, value
  void set_eax(std::uint32_t value) { byte(0xb8), dword(value); }

  /// Arithmetic flags from and to ArithmeticFlags at [base + offset]; both destroy RAX.
  void load_flags(Gpr base, std::uint32_t offset) {
    rex_if(Rax, base), byte(0x0f), byte(0xb7), memory(Rax, base, offset);  // movzx eax, word [..]
    byte(0x04), byte(0x7f);                                                // add al, 0x7f: sets OF
    byte(0x9e);                                                            // sahf
  }
  void store_flags(Gpr base, std::uint32_t offset) {
    byte(0x9f);                          // lahf
    byte(0x0f), byte(0x90), byte(0xc0);  // seto al
    byte(0x66), rex_if(Rax, base), byte(0x89), memory(Rax, base, offset);
  }

  void load_xmm(unsigned xmm, Gpr base, std::uint32_t offset) { sse_move(0x10, xmm, base, offset); }
  void store_xmm(unsigned xmm, Gpr base, std::uint32_t offset) {
    sse_move(0x11, xmm, base, offset);
  }
  void load_ymm(unsigned ymm, Gpr base, std::uint32_t offset) { vex_move(0x10, ymm, base, offset); }
  void store_ymm(unsigned ymm, Gpr base, std::uint32_t offset) {
    vex_move(0x11, ymm, base, offset);
  }
  void vzeroupper() { byte(0xc5), byte(0xf8), byte(0x77); }

  void ldmxcsr(Gpr base, std::uint32_t offset) { extended(2, base, offset, false); }
  void stmxcsr(Gpr base, std::uint32_t offset) { extended(3, base, offset, false); }
  void fxsave64(Gpr base, std::uint32_t offset) { extended(0, base, offset, true); }
  void fxrstor64(Gpr base, std::uint32_t offset) { extended(1, base, offset, true); }
  void fninit() { byte(0xdb), byte(0xe3); }

 private:
  void rex_w(unsigned reg, unsigned rm) { byte(0x48 | (reg >> 3) << 2 | rm >> 3); }
  void rex_if(unsigned reg, unsigned rm) {
    if ((reg | rm) >= 8) byte(0x40 | (reg >> 3) << 2 | rm >> 3);
  }
  /// ModRM, SIB where the base needs one, and a 32-bit displacement.
  void memory(unsigned reg, unsigned base, std::uint32_t offset) {
    byte(0x80 | (reg & 7) << 3 | (base & 7));
    if ((base & 7) == Rsp) byte(0x24);
    dword(offset);
  }
  void sse_move(unsigned opcode, unsigned xmm, Gpr base, std::uint32_t offset) {
    rex_if(xmm, base), byte(0x0f), byte(opcode), memory(xmm, base, offset);
  }
  void vex_move(unsigned opcode, unsigned ymm, Gpr base, std::uint32_t offset) {
    byte(0xc4);
    byte(0x41 | (ymm < 8 ? 0x80 : 0) | (base < 8 ? 0x20 : 0));  // inverted R, X, B; map 0F
    byte(0x7c);                                                 // W0, no vvvv, L=256, no prefix
    byte(opcode), memory(ymm, base, offset);
  }
  void extended(unsigned extension, Gpr base, std::uint32_t offset, bool wide) {
    if (wide || base >= R8) byte(0x40 | (wide ? 8 : 0) | base >> 3);
    byte(0x0f), byte(0xae), memory(extension, base, offset);
  }

  // The largest stub: all sixteen YMM registers never occur at once; this has room to spare.
  std::array<std::uint8_t, 512> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace bh::vmm::soft
