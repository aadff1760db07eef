#include "vmm/soft/mmu/walk.h"

#include <gtest/gtest.h>

#include "vmm/soft/testing/bare_cpu.h"

namespace bh::vmm::soft {
namespace {

constexpr std::uint64_t kPml4 = 0x10000;
constexpr std::uint64_t kPdpt = 0x11000;
constexpr std::uint64_t kDirectory = 0x12000;
constexpr std::uint64_t kTable = 0x13000;
constexpr std::uint64_t kFrame = 0x20000;
constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kLarge = 0x80;
constexpr std::uint64_t kLinear = 0x5000;

/// A CPU in long mode whose page 5 maps kFrame, with the rights a test asks for.
class WalkTest : public testing::Test {
 protected:
  WalkTest() {
    cpu().cr0 |= kCr0Pg | kCr0Wp;
    cpu().cr4 |= kCr4Pae;
    cpu().efer = kEferLme | kEferLma | kEferNx;
    cpu().cr3 = kPml4;
    bare_.write(kPml4, kPdpt | 7);
    bare_.write(kPdpt, kDirectory | 7);
    bare_.write(kDirectory, kTable | 7);
    map(7);
  }
  void map(std::uint64_t bits) { bare_.write(kTable + 8 * (kLinear >> kPageShift), kFrame | bits); }
  std::uint64_t entry() { return bare_.read<std::uint64_t>(kTable + 8 * (kLinear >> kPageShift)); }
  Translation walk_as(Access access, Privilege privilege = Privilege::Supervisor) {
    return walk(cpu(), kLinear + 0x123, access, privilege);
  }
  Cpu& cpu() { return bare_.cpu(); }

  BareCpu bare_;
};

TEST_F(WalkTest, FindsTheFrameAndMarksThePathAccessed) {
  auto const result = walk_as(Access::Read);
  ASSERT_TRUE(result.ok);
  EXPECT_EQ(result.physical, kFrame + 0x123);
  EXPECT_EQ(entry() & 0x60, 0x20u);
  EXPECT_EQ(bare_.read<std::uint64_t>(kPml4) & 0x60, 0x20u);
}

TEST_F(WalkTest, MarksAWrittenPageDirty) {
  ASSERT_TRUE(walk_as(Access::Write).ok);
  EXPECT_EQ(entry() & 0x60, 0x60u);
}

TEST_F(WalkTest, SaysWhyItRefuses) {
  struct Case {
    char const* what;
    std::uint64_t bits;
    Access access;
    Privilege privilege;
    std::uint32_t code;
  };
  Case const cases[] = {
      {"not present", 6, Access::Read, Privilege::Supervisor, 0},
      {"user reads a supervisor page", 3, Access::Read, Privilege::User, kPfPresent | kPfUser},
      {"user writes a read-only page", 5, Access::Write, Privilege::User,
       kPfPresent | kPfWrite | kPfUser},
      {"supervisor writes a read-only page", 5, Access::Write, Privilege::Supervisor,
       kPfPresent | kPfWrite},
      {"fetch from a no-execute page", 7 | kNoExecute, Access::Execute, Privilege::User,
       kPfPresent | kPfUser | kPfFetch},
      {"reserved address bits", 7 | std::uint64_t{1} << 51, Access::Read, Privilege::Supervisor,
       kPfPresent | kPfReserved},
  };
  for (auto const& one : cases) {
    map(one.bits);
    auto const result = walk_as(one.access, one.privilege);
    EXPECT_FALSE(result.ok) << one.what;
    EXPECT_EQ(result.error_code, one.code) << one.what;
  }
}

TEST_F(WalkTest, LetsTheSupervisorWriteReadOnlyPagesWithoutWriteProtect) {
  cpu().cr0 &= ~kCr0Wp;
  map(5);
  EXPECT_TRUE(walk_as(Access::Write).ok);
}

TEST_F(WalkTest, CombinesRightsOfAllLevels) {
  bare_.write(kPdpt, kDirectory | 5);  // Read-only for everything below.
  EXPECT_FALSE(walk_as(Access::Write).ok);
}

TEST_F(WalkTest, FollowsLargePages) {
  bare_.write(kDirectory, std::uint64_t{0x200000} | 7 | kLarge);
  EXPECT_EQ(walk_as(Access::Read).physical, 0x200000u + kLinear + 0x123);
  bare_.write(kPdpt, std::uint64_t{0x4000'0000} | 7 | kLarge);
  EXPECT_EQ(walk_as(Access::Read).physical, 0x4000'0000u + kLinear + 0x123);
}

TEST_F(WalkTest, TreatsTablesOutsideMemoryAsNotPresent) {
  bare_.write(kPml4, std::uint64_t{0x3f'ffff'f000} | 7);
  EXPECT_EQ(walk_as(Access::Read).error_code, 0u);
}

TEST_F(WalkTest, WalksTwoLevelTablesOf32BitPaging) {
  cpu().efer = 0;
  cpu().cr4 = kCr4Pse;
  bare_.write<std::uint32_t>(kPml4, kTable | 7);
  bare_.write<std::uint32_t>(kTable + 4 * (kLinear >> kPageShift), kFrame | 7);
  EXPECT_EQ(walk_as(Access::Write).physical, kFrame + 0x123);
  bare_.write<std::uint32_t>(kPml4, 0x0040'0000 | 7 | kLarge);
  EXPECT_EQ(walk_as(Access::Read).physical, 0x0040'0000u + kLinear + 0x123);
}

}  // namespace
}  // namespace bh::vmm::soft
