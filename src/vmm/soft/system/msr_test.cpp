#include "vmm/soft/system/msr.h"

#include <gtest/gtest.h>

#include "vmm/soft/system/guest_clock.h"
#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

constexpr std::uint32_t kTsc = 0x10;
constexpr std::uint32_t kTscAdjust = 0x3b;
constexpr std::uint32_t kPat = 0x277;
constexpr std::uint32_t kKvmSystemTime = 0x4b56'4d01;
constexpr std::uint32_t kKvmWallClock = 0x4b56'4d00;
constexpr std::uint32_t kEfer = 0xc000'0080;
constexpr std::uint32_t kLstar = 0xc000'0082;
constexpr std::uint32_t kFsBase = 0xc000'0100;
constexpr std::uint64_t kNotCanonical = 0x8000'0000'0000;
constexpr std::uint64_t kPage = 0x9000;

std::uint64_t value_of(Cpu& cpu, std::uint32_t index) {
  std::uint64_t value = 0;
  EXPECT_TRUE(read_msr(cpu, index, value)) << std::hex << index;
  return value;
}

TEST(MsrTest, ReadsBackWhatWasWritten) {
  struct Case {
    std::uint32_t index;
    std::uint64_t value;
  };
  Case const cases[] = {{0x174, 0x10},
                        {0x175, 0xffff'8000'0000'0000},
                        {0x176, 0xffff'8000'0000'1000},
                        {0x1a0, 0x85'0089},
                        {kPat, 0x0407'0506'0007'0106},
                        {0xc000'0081, 0x0023'0010'0000'0000},
                        {kLstar, 0xffff'ffff'8100'0000},
                        {0xc000'0083, 0xffff'ffff'8100'0100},
                        {0xc000'0084, 0x4'7700},
                        {kFsBase, 0x7fff'1234'5000},
                        {0xc000'0101, 0xffff'8880'0000'0000},
                        {0xc000'0102, 0x7fff'0000'0000},
                        {0xc000'0103, 0x1003},
                        {0x3b, 0x1234}};
  auto machine = SystemCpu::long_mode();
  for (auto const& test : cases) {
    SCOPED_TRACE(testing::Message() << std::hex << test.index);
    ASSERT_TRUE(write_msr(machine.cpu(), test.index, test.value));
    EXPECT_EQ(value_of(machine.cpu(), test.index), test.value);
  }
}

TEST(MsrTest, RefusesValuesHardwareWouldFaultOn) {
  struct Case {
    char const* what;
    std::uint32_t index;
    std::uint64_t value;
  };
  Case const cases[] = {
      {"LSTAR not canonical", kLstar, kNotCanonical},
      {"FS base not canonical", kFsBase, kNotCanonical},
      {"PAT with a reserved type", kPat, 2},
      {"EFER with SVME", kEfer, kEferSce | kEferLme | kEferLma | 1u << 12},
      {"EFER.LME with paging on", kEfer, kEferSce | kEferLma},
      {"TSC_AUX above 32 bits", 0xc000'0103, std::uint64_t{1} << 32},
      {"MTRR capabilities", 0xfe, 0},
      {"no such register", 0xdead'beef, 0},
  };
  for (auto const& test : cases) {
    SCOPED_TRACE(test.what);
    auto machine = SystemCpu::long_mode();
    EXPECT_FALSE(write_msr(machine.cpu(), test.index, test.value));
  }
}

TEST(MsrTest, TellsRdmsrAndWrmsrApart) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.gpr[Rcx] = kLstar;
  cpu.gpr[Rdx] = 0xffff'ffff;
  cpu.gpr[Rax] = 0x1234'5678'8100'0000;
  ASSERT_EQ(machine.run({0x0f, 0x30}), Flow::Next);
  EXPECT_EQ(cpu.lstar, 0xffff'ffff'8100'0000);
  cpu.gpr[Rax] = cpu.gpr[Rdx] = 0;
  ASSERT_EQ(machine.run({0x0f, 0x32}), Flow::Next);
  EXPECT_EQ(cpu.gpr[Rax], 0x8100'0000u);
  EXPECT_EQ(cpu.gpr[Rdx], 0xffff'ffffu);
  cpu.gpr[Rcx] = 0xfe;
  ASSERT_EQ(machine.run({0x0f, 0x32}), Flow::Fault);
  EXPECT_EQ(cpu.exception.vector, kGeneralProtection);
}

TEST(MsrTest, KeepsLongModeActiveWhateverEferIsTold) {
  auto machine = SystemCpu::long_mode();
  ASSERT_TRUE(write_msr(machine.cpu(), kEfer, kEferSce | kEferLme | kEferNx));
  EXPECT_EQ(machine.cpu().efer, kEferSce | kEferLme | kEferLma | kEferNx);
}

TEST(MsrTest, MovesTheTscAndItsAdjustmentTogether) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  std::uint64_t const now = guest_tsc(cpu);
  ASSERT_TRUE(write_msr(cpu, kTsc, now + 1000));
  EXPECT_EQ(guest_tsc(cpu), now + 1000);
  EXPECT_EQ(value_of(cpu, kTscAdjust), 1000u);
  ASSERT_TRUE(write_msr(cpu, kTscAdjust, 0));
  EXPECT_EQ(guest_tsc(cpu), now);
}

TEST(MsrTest, RestoresTheTscAndItsAdjustmentApart) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  ASSERT_TRUE(restore_msr(cpu, kTscAdjust, 500));
  ASSERT_TRUE(restore_msr(cpu, kTsc, 123'456));
  EXPECT_EQ(value_of(cpu, kTsc), 123'456u);
  EXPECT_EQ(value_of(cpu, kTscAdjust), 500u);
}

TEST(MsrTest, SavesEachRegisterThatCanBeRestored) {
  auto machine = SystemCpu::long_mode();
  for (auto const index : saved_msrs()) {
    EXPECT_TRUE(restore_msr(machine.cpu(), index, value_of(machine.cpu(), index))) << index;
  }
}

TEST(GuestClockTest, ScalesTheTscToNanoseconds) {
  for (std::uint64_t const khz : {500'000u, 1'000'000u, 2'596'122u, 5'000'000u}) {
    auto const scale = tsc_scale(khz);
    EXPECT_GE(scale.multiplier, 1u << 31);
    std::uint64_t const second = khz * 1000;
    std::uint64_t const shifted = scale.shift < 0 ? second >> -scale.shift : second << scale.shift;
    auto const ns =
        static_cast<std::uint64_t>(static_cast<double>(shifted) * scale.multiplier / 4294967296.0);
    EXPECT_NEAR(static_cast<double>(ns), 1e9, 5) << khz;
  }
}

TEST(GuestClockTest, PublishesTheSystemTimeWithAnEvenVersion) {
  auto machine = SystemCpu::long_mode();
  ASSERT_TRUE(write_msr(machine.cpu(), kKvmSystemTime, kPage | 1));
  EXPECT_NE(machine.read<std::uint32_t>(kPage), 0u);
  EXPECT_EQ(machine.read<std::uint32_t>(kPage) % 2, 0u);
  EXPECT_EQ(machine.read<std::uint64_t>(kPage + 8), 0u);         // tsc_timestamp
  EXPECT_EQ(machine.read<std::uint64_t>(kPage + 16), 0u);        // system_time
  EXPECT_EQ(machine.read<std::uint32_t>(kPage + 24), 1u << 31);  // 2 GHz: a half
  EXPECT_EQ(machine.read<std::uint8_t>(kPage + 28), 0u);
  EXPECT_EQ(machine.read<std::uint8_t>(kPage + 29), 1u);  // The TSC is stable.
}

TEST(GuestClockTest, DoesNotLetTheSystemTimeJumpWithTheTsc) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  ASSERT_TRUE(write_msr(cpu, kKvmSystemTime, kPage | 1));
  std::uint64_t const before = guest_tsc(cpu) - machine.read<std::uint64_t>(kPage + 8);
  ASSERT_TRUE(write_msr(cpu, kTsc, 42));
  EXPECT_EQ(guest_tsc(cpu) - machine.read<std::uint64_t>(kPage + 8), before);
}

TEST(GuestClockTest, WritesNothingUntilEnabledAndIgnoresAddressesOutsideRam) {
  auto machine = SystemCpu::long_mode();
  ASSERT_TRUE(write_msr(machine.cpu(), kKvmSystemTime, kPage));
  EXPECT_EQ(machine.read<std::uint32_t>(kPage), 0u);
  EXPECT_TRUE(write_msr(machine.cpu(), kKvmSystemTime, 0xffff'ffff'ffff'f001));
  EXPECT_TRUE(write_msr(machine.cpu(), kKvmWallClock, 0xffff'ffff'ffff'f000));
}

TEST(GuestClockTest, WritesTheWallClock) {
  auto machine = SystemCpu::long_mode();
  ASSERT_TRUE(write_msr(machine.cpu(), kKvmWallClock, kPage));
  EXPECT_EQ(machine.read<std::uint32_t>(kPage) % 2, 0u);
  constexpr std::uint32_t kYear2020 = 1'577'836'800;
  EXPECT_GT(machine.read<std::uint32_t>(kPage + 4), kYear2020);
  EXPECT_LT(machine.read<std::uint32_t>(kPage + 8), 1'000'000'000u);
}

TEST(GuestClockTest, HidesTheTscFromUserCodeOnRequest) {
  auto machine = SystemCpu::long_mode();
  machine.enter_user();
  EXPECT_EQ(machine.run({0x0f, 0x31}), Flow::Next);
  machine.cpu().cr4 |= kCr4Tsd;
  EXPECT_EQ(machine.run({0x0f, 0x31}), Flow::Fault);
  EXPECT_EQ(machine.run({0x0f, 0x01, 0xf9}), Flow::Fault);
}

}  // namespace
}  // namespace bh::vmm::soft
