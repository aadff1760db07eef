#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace bh::vmm::soft {

/// Remembers, roughly, which blocks the cache had before it was emptied: so that it grows for code
/// that runs again and again, and not for a boot, which runs most of its code once.
class TranslationHistory {
 public:
  void made(std::uint64_t key) {
    std::size_t const bit = (key * 0x9e37'79b9'7f4a'7c15) >> (64 - kBitsShift);
    ++made_;
    if (before_[bit]) ++again_;
    now_[bit] = true;
  }
  /// More than half of the blocks since the last turn had been there before it.
  bool mostly_again() const { return 2 * again_ > made_; }
  void turn() {
    before_ = now_;
    now_.reset();
    made_ = again_ = 0;
  }

 private:
  static constexpr unsigned kBitsShift = 18;

  std::bitset<std::size_t{1} << kBitsShift> before_;
  std::bitset<std::size_t{1} << kBitsShift> now_;
  std::size_t made_ = 0;
  std::size_t again_ = 0;
};

}  // namespace bh::vmm::soft
