#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace bh::vmm::chip {

/// 256 bits, one per interrupt vector: IRR, ISR and TMR.
class VectorSet {
 public:
  using Words = std::array<std::uint32_t, 8>;

  VectorSet() = default;
  explicit VectorSet(Words const& words) : words_(words) {}

  void add(std::uint8_t vector) { words_[vector / 32] |= 1U << (vector % 32); }
  void remove(std::uint8_t vector) { words_[vector / 32] &= ~(1U << (vector % 32)); }
  bool has(std::uint8_t vector) const { return ((words_[vector / 32] >> (vector % 32)) & 1) != 0; }
  void clear() { words_.fill(0); }

  /// 0 if empty: the vectors below 16 never get in.
  std::uint8_t highest() const {
    for (unsigned i = words_.size(); i-- > 0;) {
      if (words_[i] != 0) {
        return static_cast<std::uint8_t>(i * 32 + 31 - std::countl_zero(words_[i]));
      }
    }
    return 0;
  }

  Words const& words() const { return words_; }

 private:
  Words words_{};
};

}  // namespace bh::vmm::chip
