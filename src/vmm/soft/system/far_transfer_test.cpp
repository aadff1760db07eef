#include <gtest/gtest.h>

#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes const kIretq{0x48, 0xcf};
Bytes const kIretd{0xcf};
Bytes const kLretq{0x48, 0xcb};
Bytes const kSyscall{0x0f, 0x05};
Bytes const kSysretq{0x48, 0x0f, 0x07};
Bytes const kSysretl{0x0f, 0x07};

void push_words(SystemCpu& machine, std::vector<std::uint64_t> const& words, unsigned size) {
  auto& rsp = machine.cpu().gpr[Rsp];
  rsp -= words.size() * size;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (size == 8) {
      machine.write(rsp + i * 8, words[i]);
    } else {
      machine.write(rsp + i * 4, static_cast<std::uint32_t>(words[i]));
    }
  }
}

TEST(FarTransferTest, IretReturnsToUserCode) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  std::uint64_t const flags = kFlagIf | kFlagZf | kFlagId | kFlagsReserved1;
  push_words(machine, {0x5000, SystemCpu::kUserCode, flags, 0x6008, SystemCpu::kUserData}, 8);
  ASSERT_EQ(machine.run(kIretq), Flow::Leave);
  EXPECT_EQ(cpu.rip, 0x5000u);
  EXPECT_EQ(cpu.cpl, 3);
  EXPECT_EQ(cpu.code_size, CodeSize::Bits64);
  EXPECT_EQ(cpu.gpr[Rsp], 0x6008u);
  EXPECT_EQ(cpu.rflags(), flags);
  // The kernel's data segments are out of reach now.
  EXPECT_EQ(cpu.segments[Ds].selector, 0);
  EXPECT_EQ(cpu.segments[Ds].unusable, 1);
}

TEST(FarTransferTest, IretReturnsToCompatibilityCode) {
  auto machine = SystemCpu::long_mode();
  push_words(machine, {0x5000, SystemCpu::kUserCode32, 2, 0x6008, SystemCpu::kUserData}, 8);
  ASSERT_EQ(machine.run(kIretq), Flow::Leave);
  EXPECT_EQ(machine.cpu().code_size, CodeSize::Bits32);
  EXPECT_EQ(machine.cpu().gpr[Rsp], 0x6008u);
}

TEST(FarTransferTest, IretInUserCodeKeepsPrivilegedFlags) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  machine.enter_user();
  cpu.system_flags |= kFlagIf;
  push_words(machine,
             {0x5000, SystemCpu::kUserCode, kFlagIopl | kFlagCf, 0x6000, SystemCpu::kUserData}, 8);
  ASSERT_EQ(machine.run(kIretq), Flow::Leave);
  EXPECT_EQ(cpu.rflags(), kFlagsReserved1 | kFlagIf | kFlagCf);
}

struct BadReturn {
  char const* what;
  std::vector<std::uint64_t> frame;
  std::uint8_t vector;
  std::uint32_t error;
};

TEST(FarTransferTest, IretRefusesFramesThatDoNotFit) {
  constexpr std::uint64_t kNotCanonical = 0x8000'0000'0000;
  BadReturn const cases[] = {
      {"null CS", {0x5000, 0, 2, 0x6000, 0x2b}, kGeneralProtection, 0},
      {"data as CS", {0x5000, 0x18, 2, 0x6000, 0x18}, kGeneralProtection, 0x18},
      {"RPL unlike DPL", {0x5000, 0x13, 2, 0x6000, 0x2b}, kGeneralProtection, 0x10},
      {"RIP not canonical", {kNotCanonical, 0x33, 2, 0x6000, 0x2b}, kGeneralProtection, 0},
      {"null SS for user code", {0x5000, 0x33, 2, 0x6000, 0}, kGeneralProtection, 0},
      {"kernel SS for user code", {0x5000, 0x33, 2, 0x6000, 0x18}, kGeneralProtection, 0x18},
      {"CS beyond the table", {0x5000, 0x203, 2, 0x6000, 0x2b}, kGeneralProtection, 0x200},
  };
  for (auto const& test : cases) {
    SCOPED_TRACE(test.what);
    auto machine = SystemCpu::long_mode();
    push_words(machine, test.frame, 8);
    std::uint64_t const stack = machine.cpu().gpr[Rsp];
    ASSERT_EQ(machine.run(kIretq), Flow::Fault);
    EXPECT_EQ(machine.cpu().exception.vector, test.vector);
    EXPECT_EQ(machine.cpu().exception.error_code, test.error);
    EXPECT_EQ(machine.cpu().gpr[Rsp], stack);
    EXPECT_EQ(machine.cpu().cpl, 0);
  }
}

TEST(FarTransferTest, IretInProtectedModePopsTheStackForOuterLevelsOnly) {
  auto outer = SystemCpu::protected_mode();
  push_words(outer, {0x5000, SystemCpu::kUserCode, 0x202, 0x6000, SystemCpu::kUserData}, 4);
  ASSERT_EQ(outer.run(kIretd), Flow::Leave);
  EXPECT_EQ(outer.cpu().cpl, 3);
  EXPECT_EQ(outer.cpu().gpr[Rsp], 0x6000u);

  auto same = SystemCpu::protected_mode();
  std::uint64_t const stack = same.cpu().gpr[Rsp];
  push_words(same, {0x5000, SystemCpu::kKernelCode, 0x202}, 4);
  ASSERT_EQ(same.run(kIretd), Flow::Leave);
  EXPECT_EQ(same.cpu().cpl, 0);
  EXPECT_EQ(same.cpu().gpr[Rsp], stack);
  EXPECT_TRUE(same.cpu().interrupts_enabled());
}

TEST(FarTransferTest, SaysThatVirtual8086ModeAndTaskReturnsAreNotSupported) {
  auto virtual_mode = SystemCpu::protected_mode();
  push_words(virtual_mode, {0x5000, SystemCpu::kUserCode, kFlagVm, 0, 0}, 4);
  EXPECT_EQ(virtual_mode.run(kIretd), Flow::Exit);
  EXPECT_TRUE(std::holds_alternative<InternalError>(virtual_mode.cpu().exit));

  auto nested = SystemCpu::protected_mode();
  nested.cpu().system_flags |= kFlagNt;
  EXPECT_EQ(nested.run(kIretd), Flow::Exit);
}

TEST(FarTransferTest, FarReturnGoesFromLongModeToCompatibilityModeAndBack) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  push_words(machine, {0x5000, SystemCpu::kKernelCode32}, 8);
  ASSERT_EQ(machine.run(kLretq), Flow::Leave);
  EXPECT_EQ(cpu.code_size, CodeSize::Bits32);
  EXPECT_EQ(cpu.rip, 0x5000u);
  // ljmp $0x10, $0x7000
  ASSERT_EQ(machine.run({0xea, 0x00, 0x70, 0, 0, 0x10, 0}), Flow::Leave);
  EXPECT_EQ(cpu.code_size, CodeSize::Bits64);
  EXPECT_EQ(cpu.rip, 0x7000u);
}

TEST(FarTransferTest, FarReturnWithAnImmediateReleasesBothStacks) {
  auto machine = SystemCpu::protected_mode();
  push_words(machine, {0x5000, SystemCpu::kUserCode, 0x11, 0x22, 0x6000, SystemCpu::kUserData}, 4);
  ASSERT_EQ(machine.run({0xca, 8, 0}), Flow::Leave);
  EXPECT_EQ(machine.cpu().cpl, 3);
  EXPECT_EQ(machine.cpu().gpr[Rsp], 0x6008u);
}

TEST(FarTransferTest, FarCallPushesWhereItCameFrom) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  std::uint64_t const stack = cpu.gpr[Rsp];
  ASSERT_EQ(machine.run({0x9a, 0x00, 0x70, 0, 0, 0x08, 0}), Flow::Leave);
  EXPECT_EQ(cpu.rip, 0x7000u);
  EXPECT_EQ(cpu.segments[Cs].selector, SystemCpu::kKernelCode32);
  EXPECT_EQ(cpu.gpr[Rsp], stack - 8);
  EXPECT_EQ(machine.stacked(0, 4), SystemCpu::kCode + 7);
  EXPECT_EQ(machine.stacked(1, 4), SystemCpu::kKernelCode);
}

TEST(FarTransferTest, CallGateLeadsInwardWithItsParameters) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  machine.set_descriptor(SystemCpu::kSpare,
                         gate_descriptor(kCallGate, 3, SystemCpu::kKernelCode, 0x7000, 2));
  machine.enter_user();
  push_words(machine, {0x11, 0x22}, 4);
  std::uint64_t const caller = cpu.gpr[Rsp];
  ASSERT_EQ(machine.run({0x9a, 0, 0, 0, 0, SystemCpu::kSpare | 3, 0}), Flow::Leave);
  EXPECT_EQ(cpu.cpl, 0);
  EXPECT_EQ(cpu.rip, 0x7000u);
  EXPECT_EQ(cpu.gpr[Rsp], SystemCpu::kKernelStack - 24);
  EXPECT_EQ(machine.stacked(0, 4), SystemCpu::kCode + 7);
  EXPECT_EQ(machine.stacked(1, 4), SystemCpu::kUserCode);
  EXPECT_EQ(machine.stacked(2, 4), 0x11u);
  EXPECT_EQ(machine.stacked(3, 4), 0x22u);
  EXPECT_EQ(machine.stacked(4, 4), caller);
  EXPECT_EQ(machine.stacked(5, 4), SystemCpu::kUserData);
}

TEST(FarTransferTest, LongCallGateUsesTheStackOfTheTss) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  machine.set_descriptor(SystemCpu::kSpare,
                         gate_descriptor(kCallGate, 3, SystemCpu::kKernelCode, 0x7000));
  machine.enter_user();
  machine.write<std::uint32_t>(0x9000, 0);
  machine.write<std::uint16_t>(0x9004, SystemCpu::kSpare | 3);
  cpu.gpr[Rax] = 0x9000;
  ASSERT_EQ(machine.run({0xff, 0x18}), Flow::Leave);  // lcall *(%rax)
  EXPECT_EQ(cpu.cpl, 0);
  EXPECT_EQ(cpu.rip, 0x7000u);
  EXPECT_EQ(cpu.gpr[Rsp], SystemCpu::kKernelStack - 32);
  EXPECT_EQ(machine.stacked(3), SystemCpu::kUserData);
}

TEST(FarTransferTest, FarJumpCannotChangeLevel) {
  auto machine = SystemCpu::protected_mode();
  machine.enter_user();
  ASSERT_EQ(machine.run({0xea, 0, 0x70, 0, 0, 0x10, 0}), Flow::Fault);
  EXPECT_EQ(machine.cpu().exception.error_code, 0x10u);
}

TEST(FarTransferTest, FarJumpInRealModeLoadsTheBase) {
  auto machine = SystemCpu::real_mode();
  ASSERT_EQ(machine.run({0xea, 0x78, 0x56, 0x34, 0x12}), Flow::Leave);
  EXPECT_EQ(machine.cpu().segment_base[Cs], 0x1'2340u);
  EXPECT_EQ(machine.cpu().rip, 0x5678u);
}

class SystemCallTest : public testing::Test {
 protected:
  SystemCallTest() {
    cpu_.star = std::uint64_t{0x23} << 48 | std::uint64_t{SystemCpu::kKernelCode} << 32;
    cpu_.lstar = 0x7000;
    cpu_.syscall_mask = kFlagIf | kFlagTf | kFlagDf;
  }

  SystemCpu machine_ = SystemCpu::long_mode();
  Cpu& cpu_ = machine_.cpu();
};

TEST_F(SystemCallTest, SyscallEntersTheKernelAndSysretReturns) {
  machine_.enter_user();
  std::uint64_t const flags = kFlagsReserved1 | kFlagIf | kFlagDf | kFlagSf;
  cpu_.set_rflags(flags);
  ASSERT_EQ(machine_.run(kSyscall), Flow::Leave);
  EXPECT_EQ(cpu_.rip, 0x7000u);
  EXPECT_EQ(cpu_.gpr[Rcx], SystemCpu::kCode + 2);
  EXPECT_EQ(cpu_.gpr[R11], flags);
  EXPECT_EQ(cpu_.rflags(), kFlagsReserved1 | kFlagSf);
  EXPECT_EQ(cpu_.cpl, 0);
  EXPECT_EQ(cpu_.segments[Cs].selector, SystemCpu::kKernelCode);
  EXPECT_EQ(cpu_.segments[Ss].selector, SystemCpu::kKernelData);

  cpu_.gpr[Rcx] = 0x5000;
  ASSERT_EQ(machine_.run(kSysretq), Flow::Leave);
  EXPECT_EQ(cpu_.rip, 0x5000u);
  EXPECT_EQ(cpu_.rflags(), flags);
  EXPECT_EQ(cpu_.cpl, 3);
  EXPECT_EQ(cpu_.segments[Cs].selector, SystemCpu::kUserCode);
  EXPECT_EQ(cpu_.segments[Ss].selector, SystemCpu::kUserData);
}

TEST_F(SystemCallTest, SysretlReturnsToCompatibilityCode) {
  cpu_.gpr[Rcx] = 0xffff'ffff'0000'5000;
  ASSERT_EQ(machine_.run(kSysretl), Flow::Leave);
  EXPECT_EQ(cpu_.rip, 0x5000u);
  EXPECT_EQ(cpu_.code_size, CodeSize::Bits32);
  EXPECT_EQ(cpu_.segments[Cs].selector, SystemCpu::kUserCode32);
}

TEST_F(SystemCallTest, SysretRefusesAnAddressThatIsNotCanonical) {
  cpu_.gpr[Rcx] = 0x8000'0000'0000;
  ASSERT_EQ(machine_.run(kSysretq), Flow::Fault);
  EXPECT_EQ(cpu_.exception.vector, kGeneralProtection);
  EXPECT_EQ(cpu_.cpl, 0);
}

TEST_F(SystemCallTest, SysretIntoSingleSteppedCodeTrapsAtOnce) {
  cpu_.gpr[Rcx] = 0x5000;
  cpu_.gpr[R11] = kFlagTf;
  ASSERT_EQ(machine_.run(kSysretq), Flow::Leave);
  EXPECT_EQ(cpu_.rip, SystemCpu::kHandlers + kDebug * 16u);
  EXPECT_EQ(machine_.stacked(0), 0x5000u);
  EXPECT_EQ(machine_.stacked(1), SystemCpu::kUserCode);
  EXPECT_NE(cpu_.debug.dr6 & 1u << 14, 0u);
}

TEST_F(SystemCallTest, SyscallNeedsToBeEnabled) {
  cpu_.efer &= ~kEferSce;
  ASSERT_EQ(machine_.run(kSyscall), Flow::Fault);
  EXPECT_EQ(cpu_.exception.vector, kInvalidOpcode);
}

TEST_F(SystemCallTest, SysenterAndSysexitUseTheirRegisters) {
  cpu_.sysenter_cs = SystemCpu::kKernelCode;
  cpu_.sysenter_esp = 0x2'0000;
  cpu_.sysenter_eip = 0x7000;
  machine_.enter_user();
  ASSERT_EQ(machine_.run({0x0f, 0x34}), Flow::Leave);
  EXPECT_EQ(cpu_.rip, 0x7000u);
  EXPECT_EQ(cpu_.gpr[Rsp], 0x2'0000u);
  EXPECT_EQ(cpu_.cpl, 0);
  EXPECT_EQ(cpu_.code_size, CodeSize::Bits64);

  cpu_.gpr[Rdx] = 0x5000;
  cpu_.gpr[Rcx] = 0x6000;
  ASSERT_EQ(machine_.run({0x0f, 0x35}), Flow::Leave);
  EXPECT_EQ(cpu_.rip, 0x5000u);
  EXPECT_EQ(cpu_.gpr[Rsp], 0x6000u);
  EXPECT_EQ(cpu_.segments[Cs].selector, SystemCpu::kKernelCode + 16 + 3);
  EXPECT_EQ(cpu_.code_size, CodeSize::Bits32);
}

}  // namespace
}  // namespace bh::vmm::soft
