#include "vmm/boot/long_mode.h"

#include <gtest/gtest.h>

#include "vmm/boot/layout.h"
#include "vmm/boot/testing/guest_bytes.h"

namespace bh::vmm::boot {
namespace {

class LongModeTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(enter_long_mode(memory_, {0x1000000}, state_)); }

  /// Walks the tables for one address (SDM vol. 3, 4.5).
  std::uint64_t translate(std::uint64_t address) const {
    std::uint64_t table = state_.system.cr3;
    for (unsigned const shift : {39u, 30u, 21u}) {
      auto const entry = value_at<std::uint64_t>(memory_, table + (address >> shift & 511) * 8);
      if ((entry & 1) == 0) return ~0ull;
      if ((entry & 0x80) != 0) return (entry & ~0x1fffffull) | (address & 0x1fffff);
      table = entry & ~0xfffull;
    }
    return ~0ull;
  }

  GuestMemory memory_ = *GuestMemory::create(2u << 20);
  VcpuState state_;
};

TEST_F(LongModeTest, MapsTheFirstFourGibToThemselvesAndNothingElse) {
  for (std::uint64_t const address :
       {0ull, 0x7000ull, 0x1000000ull, 0xbfff'ffffull, 0xffff'ffffull}) {
    EXPECT_EQ(translate(address), address);
  }
  EXPECT_EQ(translate(0x1'0000'0000), ~0ull);
}

TEST_F(LongModeTest, SetsTheControlBitsOf64BitMode) {
  EXPECT_EQ(state_.system.cr0, 0x8000'0011u);
  EXPECT_EQ(state_.system.cr4, 0x20u);
  EXPECT_EQ(state_.system.efer, 0x500u);
}

TEST_F(LongModeTest, PassesTheZeroPageAndEntersWithInterruptsOff) {
  EXPECT_EQ(state_.general.rip, 0x1000000u);
  EXPECT_EQ(state_.general.gpr[Rsi], kZeroPage.value);
  EXPECT_EQ(state_.general.rflags, 2u);
}

TEST_F(LongModeTest, LoadsTheSegmentsThatItsDescriptorTableHas) {
  auto const& system = state_.system;
  EXPECT_EQ(system.segments[Cs].selector, 0x10);
  EXPECT_EQ(system.segments[Cs].l, 1);
  EXPECT_EQ(system.segments[Ss].selector, 0x18);
  EXPECT_EQ(value_at<std::uint64_t>(memory_, system.gdt.base + 0x10), 0x00af'9b00'0000'ffffu);
  EXPECT_EQ(value_at<std::uint64_t>(memory_, system.gdt.base + 0x18), 0x00cf'9300'0000'ffffu);
  EXPECT_EQ(value_at<std::uint64_t>(memory_, system.gdt.base + 0x20), 0x0000'8b00'0000'0067u);
  EXPECT_EQ(system.gdt.limit, 0x2f);
}

}  // namespace
}  // namespace bh::vmm::boot
