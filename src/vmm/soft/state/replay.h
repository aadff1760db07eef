#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bh::vmm::soft {

/// Answers to the port and MMIO accesses of one instruction. An instruction that touches a device
/// ends with Flow::Exit, is answered outside, and starts again: accesses already answered are taken
/// from here.
class Replay {
 public:
  // The most an instruction needs: FXSAVE of 512 bytes in pieces of 8, read and written.
  static constexpr std::size_t kCapacity = 128;

  bool empty() const { return count_ == 0; }

  /// The instruction starts (again).
  void rewind() { cursor_ = 0; }
  /// The instruction is done.
  void clear() { count_ = cursor_ = 0; }

  /// The answer to the next access if it has one: up to 8 bytes, little-endian.
  std::uint64_t const* next() { return cursor_ < count_ ? &answers_[cursor_++] : nullptr; }

  /// Room for one more answer, to be filled in before the instruction starts again; an empty span
  /// when the instruction has made more accesses than any instruction can.
  std::span<std::byte> append(std::size_t size) {
    if (count_ == kCapacity) return {};
    answers_[count_] = 0;
    return std::as_writable_bytes(std::span(&answers_[count_++], 1)).first(size);
  }

 private:
  std::array<std::uint64_t, kCapacity> answers_{};
  std::size_t count_ = 0;
  std::size_t cursor_ = 0;
};

}  // namespace bh::vmm::soft
