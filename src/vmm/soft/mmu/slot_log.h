#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bh::vmm::soft {

/// Remembers which slots of a table were filled, so that emptying it need not touch all of them.
class SlotLog {
 public:
  void note(std::size_t slot) {
    if (count_ < kCapacity) slots_[count_] = static_cast<std::uint16_t>(slot);
    if (count_ <= kCapacity) ++count_;
  }
  /// False if there were too many to remember: nothing was visited.
  template <typename Visit>
  bool for_each(Visit visit) const {
    if (count_ > kCapacity) return false;
    for (std::size_t i = 0; i < count_; ++i) visit(slots_[i]);
    return true;
  }
  bool empty() const { return count_ == 0; }
  void clear() { count_ = 0; }

 private:
  static constexpr std::size_t kCapacity = 256;

  std::array<std::uint16_t, kCapacity> slots_{};
  std::size_t count_ = 0;
};

}  // namespace bh::vmm::soft
