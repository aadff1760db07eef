#include "vmm/soft/system/control_registers.h"

#include <gtest/gtest.h>

#include "vmm/soft/system/deliver.h"
#include "vmm/soft/system/msr.h"
#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

constexpr std::uint32_t kEfer = 0xc000'0080;

TEST(ControlRegistersTest, EntersLongModeThroughCompatibilityMode) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  machine.set_descriptor(SystemCpu::kKernelCode, flat_descriptor(0xb, 0, true));
  ASSERT_EQ(write_cr4(cpu, kCr4Pae), Flow::Next);
  ASSERT_TRUE(write_msr(cpu, kEfer, kEferLme));
  EXPECT_FALSE(cpu.long_mode());
  ASSERT_EQ(write_cr0(cpu, kCr0Pe | kCr0Pg), Flow::Next);
  EXPECT_TRUE(cpu.long_mode());
  EXPECT_EQ(cpu.efer, kEferLme | kEferLma);
  EXPECT_EQ(cpu.code_size, CodeSize::Bits32);
}

TEST(ControlRegistersTest, LeavesLongModeFromCompatibilityModeOnly) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  EXPECT_EQ(write_cr0(cpu, kCr0Pe), Flow::Fault);
  EXPECT_TRUE(cpu.long_mode());
  cpu.segments[Cs].l = 0;
  cpu.segments[Cs].db = 1;
  cpu.code_size = CodeSize::Bits32;
  ASSERT_EQ(write_cr0(cpu, kCr0Pe), Flow::Next);
  EXPECT_FALSE(cpu.long_mode());
}

TEST(ControlRegistersTest, EntersProtectedModeWithTheCodeSizeOfCs) {
  auto machine = SystemCpu::real_mode();
  Cpu& cpu = machine.cpu();
  cpu.gpr[Rax] = kCr0Pe;
  ASSERT_EQ(machine.run({0x0f, 0x22, 0xc0}), Flow::Leave);  // mov %eax, %cr0
  EXPECT_TRUE(cpu.protected_mode());
  EXPECT_EQ(cpu.cr0, kCr0Pe | kCr0Et);
  EXPECT_EQ(cpu.code_size, CodeSize::Bits16);
  EXPECT_EQ(cpu.rip, SystemCpu::kCode + 3);
}

TEST(ControlRegistersTest, RefusesValuesThatMakeNoSense) {
  struct Case {
    char const* what;
    Flow (*write)(Cpu&, std::uint64_t);
    std::uint64_t value;
  };
  Case const cases[] = {
      {"paging without protection", write_cr0, kCr0Pg},
      {"NW without CD", write_cr0, kCr0Pe | kCr0Pg | kCr0Nw},
      {"CR0 above 32 bits", write_cr0, std::uint64_t{1} << 32 | kCr0Pe | kCr0Pg},
      {"CR3 above the physical width", write_cr3, std::uint64_t{1} << 46},
      {"no PAE in long mode", write_cr4, 0},
      {"SMEP, which is withheld", write_cr4, kCr4Pae | 1u << 20},
      {"OSXSAVE, which is withheld", write_cr4, kCr4Pae | kCr4Osxsave},
      {"virtual interrupts", write_cr4, kCr4Pae | 2},
  };
  for (auto const& test : cases) {
    SCOPED_TRACE(test.what);
    auto machine = SystemCpu::long_mode();
    Cpu& cpu = machine.cpu();
    auto const cr0 = cpu.cr0;
    auto const cr3 = cpu.cr3;
    auto const cr4 = cpu.cr4;
    ASSERT_EQ(test.write(cpu, test.value), Flow::Fault);
    EXPECT_EQ(cpu.exception.vector, kGeneralProtection);
    EXPECT_EQ(cpu.cr0, cr0);
    EXPECT_EQ(cpu.cr3, cr3);
    EXPECT_EQ(cpu.cr4, cr4);
  }
}

TEST(ControlRegistersTest, ForgetsTranslationsWithCr3ButNotWithTaskSwitched) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  auto const before = cpu.mmu.epoch();
  ASSERT_EQ(write_cr0(cpu, cpu.cr0 | kCr0Ts), Flow::Next);
  EXPECT_EQ(cpu.mmu.epoch(), before);
  ASSERT_EQ(write_cr3(cpu, cpu.cr3), Flow::Next);
  EXPECT_NE(cpu.mmu.epoch(), before);
}

TEST(ControlRegistersTest, KeepsUserCodeAway) {
  for (auto const& code : {std::vector<std::uint8_t>{0x0f, 0x22, 0xc0},  // mov %rax, %cr0
                           {0x0f, 0x20, 0xd8},                           // mov %cr3, %rax
                           {0x0f, 0x06},                                 // clts
                           {0x0f, 0x01, 0xf0},                           // lmsw %ax
                           {0x0f, 0x21, 0xf8},                           // mov %dr7, %rax
                           {0x0f, 0x01, 0x38},                           // invlpg (%rax)
                           {0x0f, 0x09},                                 // wbinvd
                           {0x0f, 0x32},                                 // rdmsr
                           {0x0f, 0x30},                                 // wrmsr
                           {0x0f, 0x01, 0xf8},                           // swapgs
                           {0xf4},                                       // hlt
                           {0xfa},                                       // cli
                           {0xe4, 0x60},                                 // in $0x60, %al
                           {0x48, 0x0f, 0x07}}) {                        // sysretq
    SCOPED_TRACE(testing::PrintToString(code));
    auto machine = SystemCpu::long_mode();
    machine.enter_user();
    ASSERT_EQ(machine.run(code), Flow::Fault);
    EXPECT_EQ(machine.cpu().exception.vector, kGeneralProtection);
  }
}

TEST(ControlRegistersTest, LmswSetsProtectionAndNeverClearsIt) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  cpu.gpr[Rax] = kCr0Ts;
  ASSERT_EQ(machine.run({0x0f, 0x01, 0xf0}), Flow::Leave);
  EXPECT_EQ(cpu.cr0 & (kCr0Pe | kCr0Ts), kCr0Pe | kCr0Ts);
  ASSERT_EQ(machine.run({0x0f, 0x06}), Flow::Leave);  // clts
  EXPECT_EQ(cpu.cr0 & kCr0Ts, 0u);
}

TEST(ControlRegistersTest, SwitchesAvxOnWhereItIsOffered) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.gpr[Rcx] = 0;
  ASSERT_EQ(machine.run({0x0f, 0x01, 0xd0}), Flow::Fault);  // xgetbv
  EXPECT_EQ(cpu.exception.vector, kInvalidOpcode);

  cpu.cr4 |= kCr4Osxsave;
  cpu.gpr[Rax] = 7;
  cpu.gpr[Rdx] = 0;
  ASSERT_EQ(machine.run({0x0f, 0x01, 0xd1}), Flow::Leave);  // xsetbv
  EXPECT_EQ(cpu.xcr0, 7u);
  ASSERT_EQ(machine.run({0x0f, 0x01, 0xd0}), Flow::Next);
  EXPECT_EQ(cpu.gpr[Rax], 7u);
  for (auto const bad : {0u, 2u, 5u, 0xfu}) {  // No x87; no x87; AVX without SSE; unknown bit.
    cpu.gpr[Rax] = bad;
    EXPECT_EQ(machine.run({0x0f, 0x01, 0xd1}), Flow::Fault) << bad;
  }
}

TEST(DebugRegistersTest, KeepWhatCanBeWritten) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.gpr[Rax] = 0xffff'ffff;
  ASSERT_EQ(machine.run({0x0f, 0x23, 0xf0}), Flow::Next);  // mov %rax, %dr6
  EXPECT_EQ(cpu.debug.dr6, 0xffff'effful);
  cpu.gpr[Rax] = 0xffff'dfff;                              // Without GD.
  ASSERT_EQ(machine.run({0x0f, 0x23, 0xf8}), Flow::Next);  // mov %rax, %dr7
  EXPECT_EQ(cpu.debug.dr7, 0xffff'07ffu);
  cpu.gpr[Rax] = 0;
  ASSERT_EQ(machine.run({0x0f, 0x21, 0xf3}), Flow::Next);  // mov %dr6, %rbx
  EXPECT_EQ(cpu.gpr[Rbx], cpu.debug.dr6);
}

TEST(DebugRegistersTest, GuardThemselvesUntilTheHandlerRuns) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  cpu.debug.dr7 |= 1u << 13;
  ASSERT_EQ(machine.run({0x0f, 0x21, 0xc0}), Flow::Fault);  // mov %dr0, %rax
  ASSERT_EQ(cpu.exception.vector, kDebug);
  EXPECT_EQ(cpu.debug.dr6 & 0xe000, 1u << 13);
  ASSERT_EQ(deliver_exception(cpu, cpu.exception), Delivery::Done);
  EXPECT_EQ(cpu.debug.dr7, 0x400u);
}

TEST(DebugRegistersTest, ReserveTwoNumbersUnderDebuggingExtensions) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  ASSERT_EQ(machine.run({0x0f, 0x21, 0xe0}), Flow::Next);  // mov %dr4, %rax
  EXPECT_EQ(cpu.gpr[Rax], cpu.debug.dr6);
  cpu.cr4 |= kCr4De;
  ASSERT_EQ(machine.run({0x0f, 0x21, 0xe0}), Flow::Fault);
  EXPECT_EQ(cpu.exception.vector, kInvalidOpcode);
}

}  // namespace
}  // namespace bh::vmm::soft
