#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/soft/mmu/access.h"

namespace bh::vmm::soft {

/// Where a frame goes: the stack may not be the current one yet.
struct StackTop {
  std::uint64_t pointer = 0;
  std::uint64_t base = 0;  // Of the stack segment; 0 in 64-bit mode.
  unsigned width = 8;      // Bytes of the stack pointer in use: 2, 4 or 8.
  Privilege privilege = Privilege::Supervisor;
};

/// The current stack.
StackTop current_stack(Cpu const& cpu);

/// Puts the low `top.width` bytes of `pointer` into RSP.
void set_stack_pointer(Cpu& cpu, StackTop const& top, std::uint64_t pointer);

/// Words pushed together: all are written or none.
class StackFrame {
 public:
  // Call gates copy up to 31 parameters beside SS, ESP, CS, EIP.
  static constexpr std::size_t kCapacity = 36;

  /// `slot`: bytes a word, 2, 4 or 8.
  explicit StackFrame(unsigned slot) : slot_(slot) {}

  void push(std::uint64_t word) { words_[count_++] = word; }

  /// Writes the frame below top.pointer and moves top.pointer down. RSP stays. Not writable: a page
  /// fault, or #SS with `error_code` where the address cannot be.
  Flow write(Cpu& cpu, StackTop& top, std::uint32_t error_code = 0) const;

 private:
  Flow write_piece(Cpu& cpu, StackTop const& top, std::uint64_t pointer,
                   std::span<std::byte const> bytes, std::uint32_t error_code) const;

  unsigned slot_;
  std::size_t count_ = 0;
  std::array<std::uint64_t, kCapacity> words_{};
};

/// Pops words without moving RSP until the instruction is sure to succeed.
class StackReader {
 public:
  StackReader(Cpu& cpu, unsigned slot);

  /// Zero-extended.
  Flow pop(std::uint64_t& out);
  void skip(std::uint64_t bytes) { pointer_ += bytes; }
  std::uint64_t pointer() const { return pointer_; }
  StackTop const& top() const { return top_; }

 private:
  Cpu& cpu_;
  StackTop top_;
  std::uint64_t pointer_;
  unsigned slot_;
};

}  // namespace bh::vmm::soft
