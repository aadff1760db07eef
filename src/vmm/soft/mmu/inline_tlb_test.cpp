#include "vmm/soft/mmu/inline_tlb.h"

#include <gtest/gtest.h>

namespace bh::vmm::soft {
namespace {

constexpr std::uint64_t kLinear = 0xffff'8880'1234'5000;

class InlineTlbTest : public testing::Test {
 protected:
  /// What translated code computes: the offset in the page if the access may go on.
  bool hits(std::uint64_t linear, Access access, unsigned size = 1) const {
    auto const& entry = (&tlb_.first())[linear / kPageSize % InlineTlb::kEntries];
    auto const offset = linear ^ (access == Access::Write ? entry.write : entry.read);
    return offset <= kPageSize - size;
  }

  alignas(kPageSize) std::array<std::byte, kPageSize> page_{};
  InlineTlb tlb_;
};

TEST_F(InlineTlbTest, HoldsNothingAtFirst) {
  for (std::uint64_t const linear :
       {std::uint64_t{0}, std::uint64_t{0xfff}, kLinear, ~std::uint64_t{0}}) {
    EXPECT_FALSE(hits(linear, Access::Read)) << linear;
  }
}

TEST_F(InlineTlbTest, MayReadWhatItMayWriteButNotTheReverse) {
  tlb_.insert(kLinear, page_.data(), Access::Read, false);
  EXPECT_TRUE(hits(kLinear + 5, Access::Read));
  EXPECT_FALSE(hits(kLinear + 5, Access::Write));
  tlb_.insert(kLinear, page_.data(), Access::Write, false);
  EXPECT_TRUE(hits(kLinear + 5, Access::Read));
  EXPECT_TRUE(hits(kLinear + 5, Access::Write));
}

TEST_F(InlineTlbTest, DoesNotReachIntoTheNextPage) {
  tlb_.insert(kLinear, page_.data(), Access::Read, false);
  EXPECT_TRUE(hits(kLinear + kPageSize - 8, Access::Read, 8));
  EXPECT_FALSE(hits(kLinear + kPageSize - 7, Access::Read, 8));
}

TEST_F(InlineTlbTest, APageWithTheSameSlotTakesItsPlace) {
  tlb_.insert(kLinear, page_.data(), Access::Write, false);
  std::uint64_t const other = kLinear + InlineTlb::kEntries * kPageSize;
  EXPECT_FALSE(hits(other, Access::Read));
  tlb_.insert(other, page_.data(), Access::Read, false);
  EXPECT_TRUE(hits(other, Access::Read));
  EXPECT_FALSE(hits(kLinear, Access::Read));
  EXPECT_FALSE(hits(other, Access::Write));
}

TEST_F(InlineTlbTest, KeepsGlobalPagesWhenLocalOnesGo) {
  std::uint64_t const other = kLinear + kPageSize;
  tlb_.insert(kLinear, page_.data(), Access::Read, true);
  tlb_.insert(other, page_.data(), Access::Read, false);
  tlb_.forget_local();
  EXPECT_TRUE(hits(kLinear, Access::Read));
  EXPECT_FALSE(hits(other, Access::Read));
}

TEST_F(InlineTlbTest, ForgetsAllLocalPagesEvenIfThereWereTooManyToRemember) {
  for (std::uint64_t i = 0; i < InlineTlb::kEntries; ++i) {
    tlb_.insert(kLinear + i * kPageSize, page_.data(), Access::Read, false);
  }
  tlb_.forget_local();
  for (std::uint64_t i = 0; i < InlineTlb::kEntries; ++i) {
    EXPECT_FALSE(hits(kLinear + i * kPageSize, Access::Read)) << i;
  }
}

TEST_F(InlineTlbTest, TakesTheRightToWriteToAPageOfTheHost) {
  tlb_.insert(kLinear, page_.data(), Access::Write, false);
  tlb_.forget_writes_to(page_.data());
  EXPECT_TRUE(hits(kLinear, Access::Read));
  EXPECT_FALSE(hits(kLinear, Access::Write));
}

TEST_F(InlineTlbTest, ForgetsARange) {
  constexpr std::uint64_t kLarge = 2u << 20;
  std::uint64_t const start = kLinear & ~(kLarge - 1);
  tlb_.insert(start, page_.data(), Access::Read, true);
  tlb_.insert(start + kLarge, page_.data(), Access::Read, true);
  tlb_.forget_range(start, kLarge);
  EXPECT_FALSE(hits(start, Access::Read));
  EXPECT_TRUE(hits(start + kLarge, Access::Read));
}

TEST_F(InlineTlbTest, KnowsWhereAPageOfTheHostIs) {
  tlb_.insert(kLinear, page_.data(), Access::Read, false);
  EXPECT_EQ(tlb_.linear_of(page_.data() + 7), kLinear + 7);
  tlb_.forget_page(kLinear);
  EXPECT_EQ(tlb_.linear_of(page_.data() + 7), 0u);
}

}  // namespace
}  // namespace bh::vmm::soft
