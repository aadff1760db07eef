#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/engine/registers.h"

namespace bh::vmm::soft {

/// A place in a vCPU's pool of code, in bytes from its start.
using CodeOffset = std::uint32_t;

/// Condition codes as the low four bits of Jcc.
enum class Condition : std::uint8_t { Below = 2, Equal = 4, NotEqual = 5, Above = 7 };

/// What in a piece of code depends on where it is, and on numbers given to it; offsets in it.
struct Fixups {
  std::vector<std::uint16_t> gate_jumps;  // Distances to code in front of the piece.
  std::vector<std::uint16_t> numbers;     // Numbers of sites.
};

/// Writes host code for a known address. When the room is used up it goes on counting, and
/// overflowed() says so: what was written must then be thrown away.
///
/// `state` operands are displacements from the GS base, which is the vCPU's Mmu.
class Assembler {
 public:
  /// `room` is where the bytes go, `address` where they will run, `base` what offset() counts from.
  Assembler(std::span<std::uint8_t> room, std::uint64_t address, std::uint64_t base)
      : room_(room), address_(address), base_(base) {}

  /// Notes what is written from now on; nullptr: no more.
  void keep_fixups(Fixups* fixups) { fixups_ = fixups; }

  std::size_t size() const { return size_; }
  std::uint64_t here() const { return address_ + size_; }
  CodeOffset offset() const { return static_cast<CodeOffset>(here() - base_); }
  bool overflowed() const { return size_ > room_.size(); }

  void byte(unsigned value) {
    if (size_ < room_.size()) room_[size_] = static_cast<std::uint8_t>(value);
    ++size_;
  }
  void bytes(std::span<std::uint8_t const> values) {
    for (auto const value : values) byte(value);
  }
  void word(std::uint32_t value) { byte(value), byte(value >> 8); }
  void dword(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) byte(value >> shift);
  }

  /// The number of a site.
  void number(std::uint32_t value) {
    if (fixups_ != nullptr) fixups_->numbers.push_back(static_cast<std::uint16_t>(size_));
    dword(value);
  }

  // --- Registers and memory at a register.
  void move(Gpr to, Gpr from) { rex_w(from, to), byte(0x89), registers(from, to); }
  void move32(Gpr to, Gpr from) { rex(from, to), byte(0x89), registers(from, to); }
  void move32(Gpr to, std::uint32_t value) { rex(0, to), byte(0xb8 | (to & 7)), dword(value); }
  void add(Gpr to, Gpr from) { rex_w(from, to), byte(0x01), registers(from, to); }
  void xor32(Gpr to, Gpr from) { rex(from, to), byte(0x31), registers(from, to); }
  void compare(Gpr left, Gpr right) { rex_w(right, left), byte(0x39), registers(right, left); }
  void move_signed32(Gpr to, Gpr from) {  // Of 32 bits to 64.
    rex_w(to, from), byte(0x63), registers(to, from);
  }
  void shift_right32(Gpr reg, unsigned count) {
    rex(0, reg), byte(0xc1), registers(5, reg), byte(count);
  }
  void shift_left32(Gpr reg, unsigned count) {
    rex(0, reg), byte(0xc1), registers(4, reg), byte(count);
  }
  void shift_left(Gpr reg, unsigned count) {
    rex_w(0, reg), byte(0xc1), registers(4, reg), byte(count);
  }
  void shift_right_signed(Gpr reg, unsigned count) {
    rex_w(0, reg), byte(0xc1), registers(7, reg), byte(count);
  }
  void and32(Gpr reg, std::uint32_t mask) {
    rex(0, reg), byte(0x81), registers(4, reg), dword(mask);
  }
  void compare(Gpr reg, std::uint32_t value) {
    rex_w(0, reg), byte(0x81), registers(7, reg), dword(value);
  }
  void subtract(Gpr to, Gpr from) { rex_w(from, to), byte(0x29), registers(from, to); }
  void or32(Gpr to, Gpr from) { rex(from, to), byte(0x09), registers(from, to); }
  void load(Gpr to, Gpr base, std::int32_t displacement) {
    rex_w(to, base), byte(0x8b), at(to, base, displacement);
  }
  void load_sum(Gpr to, Gpr base, Gpr index) {  // mov to, [base + index]
    byte(0x48 | to >> 3 << 2 | index >> 3 << 1 | base >> 3), byte(0x8b), sum(to, base, index);
  }
  /// mov to, [base + index + displacement], and its reverse.
  void load_sum(Gpr to, Gpr base, Gpr index, std::int32_t displacement) {
    rex_sum(to, base, index), byte(0x8b), sum(to, base, index, displacement);
  }
  void store_sum(Gpr base, Gpr index, std::int32_t displacement, Gpr from) {
    rex_sum(from, base, index), byte(0x89), sum(from, base, index, displacement);
  }
  void store_sum_immediate(Gpr base, Gpr index, std::int32_t displacement, std::int32_t value) {
    rex_sum(0, base, index), byte(0xc7), sum(0, base, index, displacement);
    dword(static_cast<std::uint32_t>(value));
  }
  void load32(Gpr to, Gpr base, std::int32_t displacement) {
    rex(to, base), byte(0x8b), at(to, base, displacement);
  }
  void load16(Gpr to, Gpr base, std::int32_t displacement) {  // Zero-extended.
    rex(to, base), byte(0x0f), byte(0xb7), at(to, base, displacement);
  }
  void compare16(Gpr left, Gpr base, std::int32_t displacement) {
    byte(0x66), rex(left, base), byte(0x3b), at(left, base, displacement);
  }
  void store(Gpr base, std::int32_t displacement, Gpr from) {
    rex_w(from, base), byte(0x89), at(from, base, displacement);
  }
  void store_immediate(Gpr base, std::int32_t displacement, std::int32_t value) {
    rex_w(0, base), byte(0xc7), at(0, base, displacement), dword(static_cast<std::uint32_t>(value));
  }
  void load_address(Gpr to, Gpr base, std::int32_t displacement) {
    rex_w(to, base), byte(0x8d), at(to, base, displacement);
  }
  void load_address_sum(Gpr to, Gpr base, Gpr index) {
    rex_sum(to, base, index), byte(0x8d), sum(to, base, index);
  }
  void load_address_scaled(Gpr to, Gpr base, Gpr index, unsigned shift) {
    rex_sum(to, base, index), byte(0x8d), byte((to & 7) << 3 | 4);
    byte(shift << 6 | (index & 7) << 3 | (base & 7));
  }
  void load_address32(Gpr to, Gpr base, std::int32_t displacement) {
    rex(to, base), byte(0x8d), at(to, base, displacement);
  }
  /// lea to, [rip + ...] of `target`, a host address near by.
  void load_code_address(Gpr to, std::uint64_t target) {
    rex_w(to, 0), byte(0x8d), byte(0x05 | (to & 7) << 3), distance(target);
  }

  // --- The vCPU's state.
  void load_state(Gpr to, std::int32_t state) {
    byte(0x65), rex_w(to, 0), byte(0x8b), state_at(to, state);
  }
  void store_state(std::int32_t state, Gpr from) {
    byte(0x65), rex_w(from, 0), byte(0x89), state_at(from, state);
  }
  void add_state(Gpr to, std::int32_t state) {
    byte(0x65), rex_w(to, 0), byte(0x03), state_at(to, state);
  }
  void and_state(std::int32_t state, std::int32_t mask) {
    byte(0x65), rex_w(0, 0), byte(0x81), state_at(4, state),
        dword(static_cast<std::uint32_t>(mask));
  }
  void or_state(std::int32_t state, std::int32_t mask) {
    byte(0x65), rex_w(0, 0), byte(0x81), state_at(1, state),
        dword(static_cast<std::uint32_t>(mask));
  }
  void xor_state(Gpr to, std::int32_t state) {
    byte(0x65), rex_w(to, 0), byte(0x33), state_at(to, state);
  }
  void load_state16(Gpr to, std::int32_t state) {  // Zero-extended.
    byte(0x65), rex(to, 0), byte(0x0f), byte(0xb7), state_at(to, state);
  }
  void load_state_low16(Gpr to, std::int32_t state) {  // The rest of `to` stays.
    byte(0x65), byte(0x66), rex(to, 0), byte(0x8b), state_at(to, state);
  }
  void test_state32(std::int32_t state, std::uint32_t mask) {
    byte(0x65), byte(0xf7), state_at(0, state), dword(mask);
  }
  void store_state32(std::int32_t state, std::uint32_t value) {
    byte(0x65), byte(0xc7), state_at(0, state), dword(value);
  }
  void store_state_number(std::int32_t state, std::uint32_t value) {
    byte(0x65), byte(0xc7), state_at(0, state), number(value);
  }
  void store_state32(std::int32_t state, Gpr from) {
    byte(0x65), rex(from, 0), byte(0x89), state_at(from, state);
  }
  void store_state8(std::int32_t state, std::uint8_t value) {
    byte(0x65), byte(0xc6), state_at(0, state), byte(value);
  }
  void compare_state32(std::int32_t state, std::uint8_t value) {
    byte(0x65), byte(0x83), state_at(7, state), byte(value);
  }
  void compare_state8(std::int32_t state, std::uint8_t value) {
    byte(0x65), byte(0x80), state_at(7, state), byte(value);
  }
  void jump_state(std::int32_t state) { byte(0x65), byte(0xff), state_at(4, state); }
  /// State at a displacement from a register that counts from the GS base.
  void load_state_at(Gpr to, Gpr index, std::int32_t state) {
    byte(0x65), rex_w(to, index), byte(0x8b), at(to, index, state);
  }
  void xor_state_at(Gpr to, Gpr index, std::int32_t state) {
    byte(0x65), rex_w(to, index), byte(0x33), at(to, index, state);
  }
  void store_state_at(Gpr index, std::int32_t state, Gpr from) {
    byte(0x65), rex_w(from, index), byte(0x89), at(from, index, state);
  }
  void subtract_state_at(Gpr index, std::int32_t state, std::uint8_t value) {
    byte(0x65), rex_w(0, index), byte(0x83), at(5, index, state), byte(value);
  }
  void compare_state_at(Gpr left, Gpr index, std::int32_t state) {
    byte(0x65), rex_w(left, index), byte(0x3b), at(left, index, state);
  }
  void jump_state_at(Gpr index, std::int32_t state) {
    byte(0x65), rex(0, index), byte(0xff), at(4, index, state);
  }
  /// State at 8 times a register.
  void compare_state_indexed(Gpr left, Gpr index, std::int32_t state) {
    byte(0x65), byte(0x48 | left >> 3 << 2 | index >> 3 << 1), byte(0x3b);
    state_indexed(left, index, state);
  }
  void store_state_indexed(Gpr index, std::int32_t state, Gpr from) {
    byte(0x65), byte(0x48 | from >> 3 << 2 | index >> 3 << 1), byte(0x89);
    state_indexed(from, index, state);
  }
  void jump_state_indexed(Gpr index, std::int32_t state) {
    byte(0x65), byte(0x40 | index >> 3 << 1), byte(0xff), state_indexed(4, index, state);
  }
  void compare_state(Gpr left, std::int32_t state) {
    byte(0x65), rex_w(left, 0), byte(0x3b), state_at(left, state);
  }
  void load_state_xmm(unsigned xmm, std::int32_t state) {
    byte(0x65), rex(xmm, 0), byte(0x0f), byte(0x10), state_at(xmm, state);
  }
  void store_state_xmm(std::int32_t state, unsigned xmm) {
    byte(0x65), rex(xmm, 0), byte(0x0f), byte(0x11), state_at(xmm, state);
  }
  void load_state_ymm(unsigned ymm, std::int32_t state) { ymm_move(0x10, ymm, state); }
  void store_state_ymm(std::int32_t state, unsigned ymm) { ymm_move(0x11, ymm, state); }
  void vzeroupper() { byte(0xc5), byte(0xf8), byte(0x77); }
  void zero_xmm(unsigned xmm) {  // pxor xmm, xmm; below 8
    byte(0x66), byte(0x0f), byte(0xef), registers(xmm, xmm);
  }
  void or_state_xmm(unsigned xmm, std::int32_t state) {  // por; aligned
    byte(0x66), byte(0x65), rex(xmm, 0), byte(0x0f), byte(0xeb), state_at(xmm, state);
  }
  void test_xmm(unsigned xmm) {  // ptest xmm, xmm; below 8
    byte(0x66), byte(0x0f), byte(0x38), byte(0x17), registers(xmm, xmm);
  }
  void load_mxcsr(std::int32_t state) { byte(0x65), byte(0x0f), byte(0xae), state_at(2, state); }
  void store_mxcsr(std::int32_t state) { byte(0x65), byte(0x0f), byte(0xae), state_at(3, state); }

  void fxsave64(std::int32_t state) { extended_state(0, state); }
  void fxrstor64(std::int32_t state) { extended_state(1, state); }
  void fninit() { byte(0xdb), byte(0xe3); }

  // --- Arithmetic flags to and from ArithmeticFlags. `spare` is destroyed, RAX kept.
  void save_flags(std::int32_t state, Gpr spare) {
    move(spare, Rax);
    byte(0x9f);                                                // lahf
    byte(0x0f), byte(0x90), byte(0xc0);                        // seto al
    byte(0x66), byte(0x65), byte(0x89), state_at(Rax, state);  // mov gs:[state], ax
    move(Rax, spare);
  }
  void restore_flags(std::int32_t state, Gpr spare) {
    move(spare, Rax);
    byte(0x65), byte(0x0f), byte(0xb7), state_at(Rax, state);  // movzx eax, word gs:[state]
    byte(0x04), byte(0x7f);                                    // add al, 0x7f: sets OF
    byte(0x9e);                                                // sahf
    move(Rax, spare);
  }

  // --- Control. Distances are to host addresses in the same pool.
  void push(Gpr reg) { rex(0, reg), byte(0x50 | (reg & 7)); }
  void pop(Gpr reg) { rex(0, reg), byte(0x58 | (reg & 7)); }
  void ret() { byte(0xc3); }
  void jump(std::uint64_t target) { byte(0xe9), distance(target); }
  void jump(Gpr target) { rex(0, target), byte(0xff), registers(4, target); }
  void jump_if(unsigned condition, std::uint64_t target) {
    byte(0x0f), byte(0x80 | condition), distance(target);
  }
  void jump_if(Condition condition, std::uint64_t target) {
    jump_if(static_cast<unsigned>(condition), target);
  }
  /// Points the distance that ends at `end` (as size() was after the jump) to here.
  void land(std::size_t end) {
    auto const value = static_cast<std::uint32_t>(size_ - end);
    if (end > room_.size()) return;
    for (unsigned i = 0; i < 4; ++i) room_[end - 4 + i] = static_cast<std::uint8_t>(value >> 8 * i);
  }

  /// ModRM, SIB and displacement of [base + displacement].
  void at(unsigned reg, Gpr base, std::int32_t displacement) {
    bool const sib = (base & 7) == Rsp;
    if (displacement == 0 && (base & 7) != Rbp) {
      byte((reg & 7) << 3 | (base & 7));
      if (sib) byte(0x24);
    } else if (displacement >= -128 && displacement <= 127) {
      byte(0x40 | (reg & 7) << 3 | (base & 7));
      if (sib) byte(0x24);
      byte(static_cast<std::uint32_t>(displacement));
    } else {
      byte(0x80 | (reg & 7) << 3 | (base & 7));
      if (sib) byte(0x24);
      dword(static_cast<std::uint32_t>(displacement));
    }
  }
  /// ModRM and SIB of [base + index]. Base is not RBP or R13, index not RSP.
  void sum(unsigned reg, Gpr base, Gpr index) {
    byte((reg & 7) << 3 | 4);
    byte((index & 7) << 3 | (base & 7));
  }

  void sum(unsigned reg, Gpr base, Gpr index, std::int32_t displacement) {
    if (displacement == 0) return sum(reg, base, index);
    bool const narrow = displacement >= -128 && displacement <= 127;
    byte((narrow ? 0x40 : 0x80) | (reg & 7) << 3 | 4);
    byte((index & 7) << 3 | (base & 7));
    if (narrow) {
      byte(static_cast<std::uint32_t>(displacement));
    } else {
      dword(static_cast<std::uint32_t>(displacement));
    }
  }

 private:
  void rex_sum(unsigned reg, unsigned base, unsigned index) {
    byte(0x48 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3);
  }
  void rex_w(unsigned reg, unsigned rm) { byte(0x48 | (reg >> 3) << 2 | rm >> 3); }
  void rex(unsigned reg, unsigned rm) {
    if ((reg | rm) >= 8) byte(0x40 | (reg >> 3) << 2 | rm >> 3);
  }
  void registers(unsigned reg, unsigned rm) { byte(0xc0 | (reg & 7) << 3 | (rm & 7)); }
  void ymm_move(unsigned opcode, unsigned ymm, std::int32_t state) {
    // Inverted R, X and B with map 0F; then no vvvv and 256 bits.
    byte(0x65), byte(0xc4), byte(0x61 | (ymm < 8 ? 0x80 : 0)), byte(0x7c), byte(opcode);
    state_at(ymm, state);
  }
  void extended_state(unsigned extension, std::int32_t state) {
    byte(0x65), rex_w(0, 0), byte(0x0f), byte(0xae), state_at(extension, state);
  }
  /// [disp32] without base.
  void state_at(unsigned reg, std::int32_t state) {
    byte((reg & 7) << 3 | 4), byte(0x25), dword(static_cast<std::uint32_t>(state));
  }
  void state_indexed(unsigned reg, Gpr index, std::int32_t state) {
    byte((reg & 7) << 3 | 4), byte(0xc0 | (index & 7) << 3 | 5);
    dword(static_cast<std::uint32_t>(state));
  }
  void distance(std::uint64_t target) {
    if (fixups_ != nullptr && target < address_) {
      fixups_->gate_jumps.push_back(static_cast<std::uint16_t>(size_));
    }
    dword(static_cast<std::uint32_t>(target - (here() + 4)));
  }

  std::span<std::uint8_t> room_;
  std::uint64_t address_;
  std::uint64_t base_;
  std::size_t size_ = 0;
  Fixups* fixups_ = nullptr;
};

}  // namespace bh::vmm::soft
