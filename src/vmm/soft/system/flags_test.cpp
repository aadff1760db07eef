#include <gtest/gtest.h>

#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

constexpr std::uint8_t kCli = 0xfa;
constexpr std::uint8_t kSti = 0xfb;
constexpr std::uint8_t kPushf = 0x9c;
constexpr std::uint8_t kPopf = 0x9d;

TEST(FlagsTest, StiTakesEffectAfterTheNextInstruction) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  ASSERT_EQ(machine.run({kSti}), Flow::Leave);
  EXPECT_TRUE(cpu.interrupts_enabled());
  EXPECT_TRUE(cpu.interrupt_shadow);
  cpu.interrupt_shadow = false;
  ASSERT_EQ(machine.run({kSti}), Flow::Next);  // They were on: no shadow.
  EXPECT_FALSE(cpu.interrupt_shadow);
  ASSERT_EQ(machine.run({kCli}), Flow::Next);
  EXPECT_FALSE(cpu.interrupts_enabled());
}

TEST(FlagsTest, UserCodeWithIoplMayChangeTheInterruptFlag) {
  auto machine = SystemCpu::long_mode();
  machine.enter_user();
  machine.cpu().system_flags |= kFlagIopl;
  EXPECT_EQ(machine.run({kSti}), Flow::Leave);
  EXPECT_EQ(machine.run({kCli}), Flow::Next);
}

TEST(FlagsTest, PopfChangesWhatTheLevelAllows) {
  constexpr std::uint64_t kEverything = 0x7f'ffff & ~(kFlagTf | kFlagVm);
  struct Case {
    char const* what;
    bool user;
    std::uint64_t before;
    std::uint64_t after;
  };
  constexpr std::uint64_t kHarmless =
      kFlagsReserved1 | kFlagsArithmetic | kFlagDf | kFlagNt | kFlagAc | kFlagId;
  Case const cases[] = {
      {"kernel", false, 0, kHarmless | kFlagIf | kFlagIopl},
      {"user", true, 0, kHarmless},
      {"user with IOPL 3", true, kFlagIopl, kHarmless | kFlagIopl | kFlagIf},
  };
  for (auto const& test : cases) {
    SCOPED_TRACE(test.what);
    auto machine = SystemCpu::long_mode();
    Cpu& cpu = machine.cpu();
    if (test.user) machine.enter_user();
    cpu.set_rflags(test.before);
    cpu.gpr[Rsp] -= 8;
    machine.write(cpu.gpr[Rsp], kEverything);
    auto const flow = machine.run({kPopf});
    EXPECT_EQ(flow, (test.after & kFlagIf) != 0 ? Flow::Leave : Flow::Next);
    EXPECT_EQ(cpu.rflags(), test.after);
  }
}

TEST(FlagsTest, PopfOf16BitsKeepsTheUpperFlags) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.set_rflags(kFlagId | kFlagCf);
  cpu.gpr[Rsp] -= 2;
  machine.write<std::uint16_t>(cpu.gpr[Rsp], kFlagZf);
  ASSERT_EQ(machine.run({0x66, kPopf}), Flow::Next);
  EXPECT_EQ(cpu.rflags(), kFlagsReserved1 | kFlagId | kFlagZf);
}

TEST(FlagsTest, PopfLeavesTheBlockForTheTrapFlag) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.gpr[Rsp] -= 8;
  machine.write<std::uint64_t>(cpu.gpr[Rsp], kFlagTf);
  ASSERT_EQ(machine.run({kPopf}), Flow::Leave);
  EXPECT_EQ(cpu.rip, SystemCpu::kCode + 1);
}

TEST(FlagsTest, PushfHidesTheResumeFlag) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.set_rflags(kFlagRf | kFlagIf | kFlagSf);
  ASSERT_EQ(machine.run({kPushf}), Flow::Next);
  EXPECT_EQ(machine.stacked(0), kFlagsReserved1 | kFlagIf | kFlagSf);
}

TEST(FlagsTest, LahfAndSahfMoveFiveFlags) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.set_rflags(kFlagOf | kFlagCf | kFlagZf);
  ASSERT_EQ(machine.run({0x9f}), Flow::Next);
  EXPECT_EQ(cpu.gpr[Rax], 0x4300u);
  cpu.gpr[Rax] = 0x8400;
  ASSERT_EQ(machine.run({0x9e}), Flow::Next);
  EXPECT_EQ(cpu.rflags(), kFlagsReserved1 | kFlagOf | kFlagSf | kFlagPf);
}

TEST(FlagsTest, HltSleepsBehindItself) {
  auto machine = SystemCpu::long_mode();
  ASSERT_EQ(machine.run({0xf4}), Flow::Leave);
  EXPECT_EQ(machine.cpu().activity, Activity::Halted);
  EXPECT_EQ(machine.cpu().rip, SystemCpu::kCode + 1);
}

TEST(FsGsBaseTest, NeedsToBeEnabled) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.gpr[Rax] = 0x7fff'0000'1000;
  ASSERT_EQ(machine.run({0xf3, 0x48, 0x0f, 0xae, 0xd0}), Flow::Fault);  // wrfsbase %rax
  EXPECT_EQ(cpu.exception.vector, kInvalidOpcode);
  cpu.cr4 |= kCr4Fsgsbase;
  ASSERT_EQ(machine.run({0xf3, 0x48, 0x0f, 0xae, 0xd0}), Flow::Next);
  EXPECT_EQ(cpu.segment_base[Fs], 0x7fff'0000'1000u);
  ASSERT_EQ(machine.run({0xf3, 0x48, 0x0f, 0xae, 0xc3}), Flow::Next);  // rdfsbase %rbx
  EXPECT_EQ(cpu.gpr[Rbx], 0x7fff'0000'1000u);
  cpu.gpr[Rax] = 0x8000'0000'0000;
  ASSERT_EQ(machine.run({0xf3, 0x48, 0x0f, 0xae, 0xd8}), Flow::Fault);  // wrgsbase %rax
  EXPECT_EQ(cpu.exception.vector, kGeneralProtection);
}

TEST(FsGsBaseTest, SwapgsExchangesTheBases) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.segment_base[Gs] = 0x1000;
  cpu.kernel_gs_base = 0xffff'8880'0000'0000;
  ASSERT_EQ(machine.run({0x0f, 0x01, 0xf8}), Flow::Next);
  EXPECT_EQ(cpu.segment_base[Gs], 0xffff'8880'0000'0000u);
  EXPECT_EQ(cpu.segments[Gs].base, 0xffff'8880'0000'0000u);
  EXPECT_EQ(cpu.kernel_gs_base, 0x1000u);
}

}  // namespace
}  // namespace bh::vmm::soft
