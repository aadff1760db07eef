#include "vmm/soft/mmu/jump_table.h"

#include <gtest/gtest.h>

namespace bh::vmm::soft {
namespace {

constexpr std::uint64_t kMiss = 1;
constexpr std::uint64_t kRip = 0xffff'ffff'8123'4ffa;
constexpr std::uint64_t kCode = 0x7000'0010;

class JumpTableTest : public testing::Test {
 protected:
  void SetUp() override { table_.set_miss(kMiss); }

  JumpTable table_;
};

TEST_F(JumpTableTest, FindsWhatWasEntered) {
  EXPECT_EQ(table_.find(kRip), kMiss);
  table_.insert(kRip, kCode, false);
  EXPECT_EQ(table_.find(kRip), kCode);
  EXPECT_EQ(table_.find(kRip + 1), kMiss);
  table_.forget(kRip);
  EXPECT_EQ(table_.find(kRip), kMiss);
}

TEST_F(JumpTableTest, EvenTheEmptySlotOfAddressZeroLeadsToTheMiss) {
  EXPECT_EQ(table_.find(0), kMiss);
}

TEST_F(JumpTableTest, ForgetsAPageWithTheInstructionsThatEndInIt) {
  table_.insert(kRip, kCode, true);
  table_.forget_page(kRip + kPageSize);
  EXPECT_EQ(table_.find(kRip), kMiss);
  table_.insert(kRip, kCode, true);
  table_.forget_page(kRip);
  EXPECT_EQ(table_.find(kRip), kMiss);
  table_.insert(kRip, kCode, true);
  table_.forget_page(kRip - kPageSize);
  EXPECT_EQ(table_.find(kRip), kCode);
}

TEST_F(JumpTableTest, KeepsGlobalCodeWhenLocalCodeGoes) {
  table_.insert(kRip, kCode, true);
  table_.insert(0x40'1000, kCode + 1, false);
  table_.forget_local();
  EXPECT_EQ(table_.find(kRip), kCode);
  EXPECT_EQ(table_.find(0x40'1000), kMiss);
}

TEST_F(JumpTableTest, ForgetsABlockWhereverItIs) {
  table_.insert(kRip, kCode, true);
  table_.insert(0x40'1000, kCode, false);
  table_.forget_code(kCode);
  EXPECT_EQ(table_.find(kRip), kMiss);
  EXPECT_EQ(table_.find(0x40'1000), kMiss);
}

}  // namespace
}  // namespace bh::vmm::soft
