#include "vmm/soft/system/deliver.h"

#include <gtest/gtest.h>

#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

constexpr std::uint64_t kHere = SystemCpu::kCode;

std::uint64_t handler(unsigned vector) {
  return SystemCpu::kHandlers + vector * 16;
}

TEST(DeliverTest, EntersTheKernelOnTheStackOfTheTss) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  machine.enter_user();
  cpu.gpr[Rsp] = 0x12'3457;
  cpu.set_rflags(kFlagIf | kFlagTf | kFlagCf);

  ASSERT_EQ(deliver_exception(cpu, {kGeneralProtection, true, 0x50}), Delivery::Done);
  EXPECT_EQ(cpu.rip, handler(kGeneralProtection));
  EXPECT_EQ(cpu.cpl, 0);
  EXPECT_EQ(cpu.segments[Cs].selector, SystemCpu::kKernelCode);
  EXPECT_EQ(cpu.segments[Ss].selector, 0);
  EXPECT_EQ(cpu.gpr[Rsp], SystemCpu::kKernelStack - 48);
  EXPECT_EQ(cpu.rflags(), kFlagsReserved1 | kFlagCf);
  EXPECT_EQ(machine.stacked(0), 0x50u);
  EXPECT_EQ(machine.stacked(1), kHere);
  EXPECT_EQ(machine.stacked(2), SystemCpu::kUserCode);
  EXPECT_EQ(machine.stacked(3), kFlagsReserved1 | kFlagIf | kFlagTf | kFlagCf | kFlagRf);
  EXPECT_EQ(machine.stacked(4), 0x12'3457u);
  EXPECT_EQ(machine.stacked(5), SystemCpu::kUserData);
}

TEST(DeliverTest, AlignsTheKernelsOwnStack) {
  auto machine = SystemCpu::long_mode();
  machine.cpu().gpr[Rsp] = 0x2'0009;
  ASSERT_EQ(deliver_interrupt(machine.cpu(), 0x30), Delivery::Done);
  EXPECT_EQ(machine.cpu().gpr[Rsp], 0x2'0000u - 40);
  EXPECT_EQ(machine.stacked(3), 0x2'0009u);
  EXPECT_EQ(machine.stacked(4), SystemCpu::kKernelData);
  EXPECT_EQ(machine.cpu().segments[Ss].selector, SystemCpu::kKernelData);
}

TEST(DeliverTest, TakesTheInterruptStackTheGateNames) {
  auto machine = SystemCpu::long_mode();
  machine.set_gate(2, gate_descriptor(kInterruptGate, 0, SystemCpu::kKernelCode, 0x4'0020, 1));
  ASSERT_EQ(deliver_nmi(machine.cpu()), Delivery::Done);
  EXPECT_EQ(machine.cpu().gpr[Rsp], (SystemCpu::kInterruptStack & ~15u) - 40);
}

TEST(DeliverTest, KeepsInterruptsOnThroughATrapGate) {
  for (auto const type : {kInterruptGate, kTrapGate}) {
    auto machine = SystemCpu::long_mode();
    machine.set_gate(0x30, gate_descriptor(type, 0, SystemCpu::kKernelCode, 0x4'0300));
    machine.cpu().system_flags |= kFlagIf;
    ASSERT_EQ(deliver_interrupt(machine.cpu(), 0x30), Delivery::Done);
    EXPECT_EQ(machine.cpu().interrupts_enabled(), type == kTrapGate);
  }
}

TEST(DeliverTest, SetsTheResumeFlagForFaultsOnly) {
  auto faulted = SystemCpu::long_mode();
  ASSERT_EQ(deliver_exception(faulted.cpu(), {kInvalidOpcode}), Delivery::Done);
  EXPECT_NE(faulted.stacked(2) & kFlagRf, 0u);
  auto interrupted = SystemCpu::long_mode();
  ASSERT_EQ(deliver_interrupt(interrupted.cpu(), 0x20), Delivery::Done);
  EXPECT_EQ(interrupted.stacked(2) & kFlagRf, 0u);
}

TEST(DeliverTest, WakesAHaltedCpuAndEndsTheShadow) {
  auto machine = SystemCpu::long_mode();
  machine.cpu().activity = Activity::Halted;
  machine.cpu().interrupt_shadow = true;
  ASSERT_EQ(deliver_interrupt(machine.cpu(), 0x20), Delivery::Done);
  EXPECT_EQ(machine.cpu().activity, Activity::Running);
  EXPECT_FALSE(machine.cpu().interrupt_shadow);
}

TEST(DeliverTest, ReportsAGateThatIsNotThere) {
  auto machine = SystemCpu::long_mode();
  machine.set_gate(0x30, 0x0000'0e00'0010'0000);  // Present bit clear.
  ASSERT_EQ(deliver_interrupt(machine.cpu(), 0x30), Delivery::Done);
  EXPECT_EQ(machine.cpu().rip, handler(kSegmentNotPresent));
  EXPECT_EQ(machine.stacked(0), 0x30u * 8 + 2 + 1);
}

TEST(DeliverTest, MakesADoubleFaultOfTwoContributoryOnes) {
  auto machine = SystemCpu::long_mode();
  machine.set_gate(kPageFault, 0);
  ASSERT_EQ(deliver_exception(machine.cpu(), {kPageFault, true, 2}), Delivery::Done);
  EXPECT_EQ(machine.cpu().rip, handler(kDoubleFault));
  EXPECT_EQ(machine.stacked(0), 0u);
}

TEST(DeliverTest, DeliversASecondFaultOfABenignOneByItself) {
  auto machine = SystemCpu::long_mode();
  machine.set_gate(kInvalidOpcode, 0);
  ASSERT_EQ(deliver_exception(machine.cpu(), {kInvalidOpcode}), Delivery::Done);
  EXPECT_EQ(machine.cpu().rip, handler(kGeneralProtection));
  EXPECT_EQ(machine.stacked(0), kInvalidOpcode * 8u + 2 + 1);
}

TEST(DeliverTest, ShutsDownOnATripleFault) {
  auto machine = SystemCpu::long_mode();
  machine.cpu().idt.limit = 0;
  EXPECT_EQ(deliver_exception(machine.cpu(), {kPageFault, true, 0}), Delivery::TripleFault);
  EXPECT_TRUE(std::holds_alternative<Shutdown>(machine.cpu().exit));
  EXPECT_EQ(machine.cpu().rip, kHere);
}

TEST(DeliverTest, FaultsWhenTheStackCannotBeWritten) {
  auto machine = SystemCpu::long_mode();
  machine.enter_user();
  machine.write<std::uint64_t>(SystemCpu::kTss + 4, 0x4000'0000);  // Not mapped.
  EXPECT_EQ(deliver_exception(machine.cpu(), {kInvalidOpcode}), Delivery::TripleFault);
}

TEST(DeliverTest, ChecksTheGatesLevelForSoftwareInterruptsOnly) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  machine.enter_user();
  ASSERT_EQ(machine.run({0xcd, 0x30}), Flow::Fault);
  EXPECT_EQ(cpu.exception.vector, kGeneralProtection);
  EXPECT_EQ(cpu.exception.error_code, 0x30u * 8 + 2);
  EXPECT_EQ(cpu.cpl, 3);

  machine.set_gate(0x80, gate_descriptor(kInterruptGate, 3, SystemCpu::kKernelCode, 0x4'0800));
  ASSERT_EQ(machine.run({0xcd, 0x80}), Flow::Leave);
  EXPECT_EQ(cpu.rip, 0x4'0800u);
  EXPECT_EQ(machine.stacked(0), kHere + 2);
}

TEST(DeliverTest, BlocksNmisUntilIret) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  ASSERT_EQ(deliver_nmi(cpu), Delivery::Done);
  EXPECT_TRUE(cpu.nmi_blocked);
  std::uint64_t const stack = cpu.gpr[Rsp];
  ASSERT_EQ(machine.run({0x48, 0xcf}), Flow::Leave);
  EXPECT_FALSE(cpu.nmi_blocked);
  EXPECT_EQ(cpu.rip, kHere);
  EXPECT_EQ(cpu.gpr[Rsp], stack + 40);
}

TEST(DeliverTest, SwitchesStacksInProtectedMode) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  machine.enter_user();
  ASSERT_EQ(deliver_exception(cpu, {kGeneralProtection, true, 7}), Delivery::Done);
  EXPECT_EQ(cpu.rip, handler(kGeneralProtection));
  EXPECT_EQ(cpu.cpl, 0);
  EXPECT_EQ(cpu.segments[Ss].selector, SystemCpu::kKernelData);
  EXPECT_EQ(cpu.gpr[Rsp], SystemCpu::kKernelStack - 24);
  EXPECT_EQ(machine.stacked(0, 4), 7u);
  EXPECT_EQ(machine.stacked(1, 4), kHere);
  EXPECT_EQ(machine.stacked(2, 4), SystemCpu::kUserCode);
  EXPECT_EQ(machine.stacked(4, 4), SystemCpu::kUserStack);
  EXPECT_EQ(machine.stacked(5, 4), SystemCpu::kUserData);
}

TEST(DeliverTest, StaysOnTheStackInProtectedModeWithoutALevelChange) {
  auto machine = SystemCpu::protected_mode();
  machine.cpu().gpr[Rsp] = 0x2'0002;
  ASSERT_EQ(deliver_interrupt(machine.cpu(), 0x21), Delivery::Done);
  EXPECT_EQ(machine.cpu().gpr[Rsp], 0x2'0002u - 12);
}

TEST(DeliverTest, SaysThatTaskGatesAreNotSupported) {
  auto machine = SystemCpu::protected_mode();
  machine.set_gate(0x30, gate_descriptor(kTaskGate, 0, SystemCpu::kTask, 0));
  ASSERT_EQ(deliver_interrupt(machine.cpu(), 0x30), Delivery::Exit);
  auto const* const error = std::get_if<InternalError>(&machine.cpu().exit);
  ASSERT_NE(error, nullptr);
  EXPECT_NE(error->words.find("task gate"), std::string::npos);
}

TEST(DeliverTest, UsesTheVectorTableInRealMode) {
  auto machine = SystemCpu::real_mode();
  Cpu& cpu = machine.cpu();
  machine.write<std::uint32_t>(0x21 * 4, 0x1234'5678);
  cpu.set_rflags(kFlagIf | kFlagZf);
  ASSERT_EQ(deliver_interrupt(cpu, 0x21), Delivery::Done);
  EXPECT_EQ(cpu.segments[Cs].selector, 0x1234);
  EXPECT_EQ(cpu.segment_base[Cs], 0x1'2340u);
  EXPECT_EQ(cpu.rip, 0x5678u);
  EXPECT_EQ(cpu.gpr[Rsp], 0x8000u - 6);
  EXPECT_EQ(machine.stacked(0, 2), kHere);
  EXPECT_EQ(machine.stacked(1, 2), 0u);
  EXPECT_EQ(machine.stacked(2, 2), kFlagsReserved1 | kFlagIf | kFlagZf);
  EXPECT_FALSE(cpu.interrupts_enabled());
}

}  // namespace
}  // namespace bh::vmm::soft
