#include <gtest/gtest.h>

#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

struct DecimalCase {
  char const* what;
  std::vector<std::uint8_t> code;
  std::uint64_t ax;
  std::uint64_t flags;
  std::uint64_t ax_after;
  std::uint64_t carries;  // CF and AF afterwards.
};

TEST(LegacyTest, AdjustsDecimals) {
  DecimalCase const cases[] = {
      {"DAA 79+35", {0x27}, 0xae, 0, 0x14, kFlagCf | kFlagAf},
      {"DAA no change", {0x27}, 0x42, 0, 0x42, 0},
      {"DAA with carry", {0x27}, 0x10, kFlagCf, 0x70, kFlagCf},
      {"DAS 35-47", {0x2f}, 0xee, kFlagCf | kFlagAf, 0x88, kFlagCf | kFlagAf},
      {"DAS low digit", {0x2f}, 0x1f, 0, 0x19, kFlagAf},
      {"AAA", {0x37}, 0x000c, 0, 0x0102, kFlagCf | kFlagAf},
      {"AAA no change", {0x37}, 0x0105, 0, 0x0105, 0},
      {"AAS", {0x3f}, 0x02fe, kFlagAf, 0x0108, kFlagCf | kFlagAf},
      {"AAM", {0xd4, 10}, 0x0043, 0, 0x0607, 0},
      {"AAD", {0xd5, 10}, 0x0607, 0, 0x0043, 0},
      {"SALC set", {0xd6}, 0, kFlagCf, 0xff, kFlagCf},
      {"SALC clear", {0xd6}, 0xff, 0, 0, 0},
  };
  for (auto const& test : cases) {
    SCOPED_TRACE(test.what);
    auto machine = SystemCpu::protected_mode();
    Cpu& cpu = machine.cpu();
    cpu.gpr[Rax] = test.ax;
    cpu.set_rflags(test.flags);
    ASSERT_EQ(machine.run(test.code), Flow::Next);
    EXPECT_EQ(cpu.gpr[Rax], test.ax_after);
    EXPECT_EQ(cpu.rflags() & (kFlagCf | kFlagAf), test.carries);
  }
}

TEST(LegacyTest, DividesByTheBaseOfAam) {
  auto machine = SystemCpu::protected_mode();
  ASSERT_EQ(machine.run({0xd4, 0}), Flow::Fault);
  EXPECT_EQ(machine.cpu().exception.vector, kDivideError);
}

TEST(LegacyTest, PushesAndPopsAllRegisters) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  for (std::uint64_t i = 0; i < 8; ++i) {
    if (i != Rsp) cpu.gpr[i] = 0x1000 + i;
  }
  auto const before = cpu.gpr;
  ASSERT_EQ(machine.run({0x60}), Flow::Next);
  EXPECT_EQ(cpu.gpr[Rsp], before[Rsp] - 32);
  EXPECT_EQ(machine.stacked(3, 4), before[Rsp]);
  EXPECT_EQ(machine.stacked(7, 4), 0x1000u);
  for (std::uint64_t i = 0; i < 8; ++i) {
    if (i != Rsp) cpu.gpr[i] = 0;
  }
  ASSERT_EQ(machine.run({0x61}), Flow::Next);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(cpu.gpr[i], before[i]) << i;
}

TEST(LegacyTest, BoundRaisesOutsideItsLimits) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  machine.write<std::int32_t>(0x9000, -5);
  machine.write<std::int32_t>(0x9004, 5);
  cpu.gpr[Rbx] = 0x9000;
  for (auto const inside : {-5, 0, 5}) {
    cpu.gpr[Rax] = static_cast<std::uint32_t>(inside);
    EXPECT_EQ(machine.run({0x62, 0x03}), Flow::Next) << inside;
  }
  for (auto const outside : {-6, 6}) {
    cpu.gpr[Rax] = static_cast<std::uint32_t>(outside);
    EXPECT_EQ(machine.run({0x62, 0x03}), Flow::Fault) << outside;
    EXPECT_EQ(cpu.exception.vector, kBoundRange);
  }
}

TEST(LegacyTest, IntoTrapsOnOverflowOnly) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  EXPECT_EQ(machine.run({0xce}), Flow::Next);
  cpu.set_rflags(kFlagOf);
  ASSERT_EQ(machine.run({0xce}), Flow::Leave);
  EXPECT_EQ(cpu.rip, SystemCpu::kHandlers + kOverflow * 16u);
  EXPECT_EQ(machine.stacked(0, 4), SystemCpu::kCode + 1);
}

TEST(LegacyTest, SaysNoToHypercalls) {
  auto machine = SystemCpu::long_mode();
  ASSERT_EQ(machine.run({0x0f, 0x01, 0xc1}), Flow::Next);
  EXPECT_EQ(machine.cpu().gpr[Rax], static_cast<std::uint64_t>(-1000));
}

}  // namespace
}  // namespace bh::vmm::soft
