#include <gtest/gtest.h>

#include "vmm/soft/system/segment_register.h"
#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

constexpr std::uint64_t kAbsentData = flat_descriptor(3, 0) & ~(std::uint64_t{1} << 47);
constexpr std::uint64_t kReadOnlyData = flat_descriptor(1, 0);
constexpr std::uint64_t kExecuteOnly = flat_descriptor(9, 0);

struct LoadCase {
  char const* what;
  SegmentIndex index;
  std::uint16_t selector;
  std::uint64_t spare;  // Descriptor at kSpare.
  int vector;           // -1: succeeds.
  std::uint32_t error = 0;
};

TEST(SegmentsTest, LoadsOrRefusesSelectorsAsTheirDescriptorsSay) {
  constexpr std::uint16_t kSpare = SystemCpu::kSpare;
  LoadCase const cases[] = {
      {"null into DS", Ds, 0, 0, -1},
      {"null into SS at CPL 0", Ss, 0, 0, -1},
      {"null with RPL 3 into SS", Ss, 3, 0, kGeneralProtection, 0},
      {"data into DS", Ds, SystemCpu::kKernelData, 0, -1},
      {"data into SS", Ss, SystemCpu::kKernelData, 0, -1},
      {"user data into SS at CPL 0", Ss, SystemCpu::kUserData, 0, kGeneralProtection, 0x28},
      {"user data into ES at CPL 0", Es, SystemCpu::kUserData, 0, -1},
      {"RPL above DPL", Ds, SystemCpu::kKernelData | 3, 0, kGeneralProtection, 0x18},
      {"readable code into DS", Ds, SystemCpu::kKernelCode, 0, -1},
      {"execute-only code", Ds, kSpare, kExecuteOnly, kGeneralProtection, kSpare},
      {"system descriptor", Ds, SystemCpu::kTask, 0, kGeneralProtection, 0x40},
      {"absent data", Ds, kSpare, kAbsentData, kSegmentNotPresent, kSpare},
      {"absent stack", Ss, kSpare, kAbsentData, kStackFault, kSpare},
      {"read-only stack", Ss, kSpare, kReadOnlyData, kGeneralProtection, kSpare},
      {"beyond the GDT", Fs, 0x100, 0, kGeneralProtection, 0x100},
      {"in an LDT that is not there", Gs, 0x0c, 0, kGeneralProtection, 0x0c},
  };
  for (auto const& test : cases) {
    SCOPED_TRACE(test.what);
    auto machine = SystemCpu::long_mode();
    Cpu& cpu = machine.cpu();
    cpu.ldt = null_segment(0);
    if (test.spare != 0) machine.set_descriptor(kSpare, test.spare);
    auto const before = cpu.segments;
    auto const flow = load_segment_register(cpu, test.index, test.selector);
    if (test.vector < 0) {
      EXPECT_EQ(flow, Flow::Next);
      EXPECT_EQ(cpu.segments[test.index].selector, test.selector);
      continue;
    }
    ASSERT_EQ(flow, Flow::Fault);
    EXPECT_EQ(cpu.exception.vector, test.vector);
    EXPECT_EQ(cpu.exception.error_code, test.error);
    EXPECT_EQ(cpu.segments, before);
  }
}

TEST(SegmentsTest, SetsTheAccessedBitAndTheBase) {
  auto machine = SystemCpu::protected_mode();
  constexpr std::uint64_t kNotAccessed = flat_descriptor(2, 0) | 0x1234ull << 16;
  machine.set_descriptor(SystemCpu::kSpare, kNotAccessed);
  machine.cpu().gpr[Rax] = SystemCpu::kSpare;
  ASSERT_EQ(machine.run({0x8e, 0xe0}), Flow::Next);  // mov %eax, %fs
  EXPECT_EQ(machine.cpu().segment_base[Fs], 0x1234u);
  EXPECT_EQ(machine.cpu().segments[Fs].type, 3);
  EXPECT_EQ(machine.read<std::uint64_t>(SystemCpu::kGdt + SystemCpu::kSpare),
            kNotAccessed | std::uint64_t{1} << 40);
}

TEST(SegmentsTest, HoldsInterruptsBackAfterALoadOfSs) {
  auto machine = SystemCpu::long_mode();
  machine.cpu().gpr[Rax] = SystemCpu::kKernelData;
  ASSERT_EQ(machine.run({0x8e, 0xd0}), Flow::Leave);  // mov %eax, %ss
  EXPECT_TRUE(machine.cpu().interrupt_shadow);
  EXPECT_EQ(machine.cpu().rip, SystemCpu::kCode + 2);
}

TEST(SegmentsTest, RefusesToLoadCsByMov) {
  auto machine = SystemCpu::long_mode();
  ASSERT_EQ(machine.run({0x8e, 0xc8}), Flow::Fault);
  EXPECT_EQ(machine.cpu().exception.vector, kInvalidOpcode);
}

TEST(SegmentsTest, PushesAndPopsSegmentRegisters) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  std::uint64_t const stack = cpu.gpr[Rsp];
  cpu.segments[Gs].selector = SystemCpu::kUserData;
  ASSERT_EQ(machine.run({0x0f, 0xa8}), Flow::Next);  // push %gs
  EXPECT_EQ(cpu.gpr[Rsp], stack - 8);
  ASSERT_EQ(machine.run({0x0f, 0xa1}), Flow::Next);  // pop %fs
  EXPECT_EQ(cpu.gpr[Rsp], stack);
  EXPECT_EQ(cpu.segments[Fs].selector, SystemCpu::kUserData);
}

TEST(SegmentsTest, LoadsRealModeSegmentsByShifting) {
  auto machine = SystemCpu::real_mode();
  machine.cpu().gpr[Rax] = 0x9012;
  ASSERT_EQ(machine.run({0x8e, 0xd8}), Flow::Next);
  EXPECT_EQ(machine.cpu().segment_base[Ds], 0x9'0120u);
  EXPECT_EQ(machine.cpu().segments[Ds].limit, 0xffffu);
}

TEST(SegmentsTest, LoadsAFarPointer) {
  auto machine = SystemCpu::protected_mode();
  machine.write<std::uint32_t>(0x9000, 0x1234'5678);
  machine.write<std::uint16_t>(0x9004, SystemCpu::kKernelData);
  machine.cpu().gpr[Rbx] = 0x9000;
  ASSERT_EQ(machine.run({0xc4, 0x03}), Flow::Next);  // les (%ebx), %eax
  EXPECT_EQ(machine.cpu().gpr[Rax], 0x1234'5678u);
  EXPECT_EQ(machine.cpu().segments[Es].selector, SystemCpu::kKernelData);
}

TEST(DescriptorTablesTest, LoadsAndStoresTheGdtRegister) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  machine.write<std::uint16_t>(0x9000, 0x7f);
  machine.write<std::uint64_t>(0x9002, 0xffff'8000'0001'0000);
  cpu.gpr[Rax] = 0x9000;
  ASSERT_EQ(machine.run({0x0f, 0x01, 0x10}), Flow::Next);
  EXPECT_EQ(cpu.gdt, (DescriptorTable{0xffff'8000'0001'0000, 0x7f}));
  cpu.gpr[Rax] = 0xa000;
  ASSERT_EQ(machine.run({0x0f, 0x01, 0x00}), Flow::Next);
  EXPECT_EQ(machine.read<std::uint16_t>(0xa000), 0x7f);
  EXPECT_EQ(machine.read<std::uint64_t>(0xa002), 0xffff'8000'0001'0000);
}

TEST(DescriptorTablesTest, TakesA24BitBaseWithA16BitOperand) {
  auto machine = SystemCpu::real_mode();
  machine.write<std::uint16_t>(0x9000, 0x17);
  machine.write<std::uint32_t>(0x9002, 0x12'345678);
  ASSERT_EQ(machine.run({0x0f, 0x01, 0x16, 0x00, 0x90}), Flow::Next);
  EXPECT_EQ(machine.cpu().gdt, (DescriptorTable{0x34'5678, 0x17}));
  ASSERT_EQ(machine.run({0x66, 0x0f, 0x01, 0x1e, 0x00, 0x90}), Flow::Next);
  EXPECT_EQ(machine.cpu().idt, (DescriptorTable{0x1234'5678, 0x17}));
}

TEST(DescriptorTablesTest, LoadsATaskAndMarksItBusy) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  machine.set_descriptor(SystemCpu::kSpare, system_descriptor(kTss, 0, 0x9000, 0x67), 0xffff'8000);
  cpu.gpr[Rax] = SystemCpu::kSpare;
  ASSERT_EQ(machine.run({0x0f, 0x00, 0xd8}), Flow::Next);
  EXPECT_EQ(cpu.tr.base, 0xffff'8000'0000'9000);
  EXPECT_EQ(cpu.tr.type, kTssBusy);
  // Busy now: a second load fails.
  ASSERT_EQ(machine.run({0x0f, 0x00, 0xd8}), Flow::Fault);
  EXPECT_EQ(cpu.exception.error_code, SystemCpu::kSpare);
}

TEST(DescriptorTablesTest, LoadsAnLdtAndFindsSegmentsInIt) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  machine.set_descriptor(SystemCpu::kSpare, system_descriptor(kLdtType, 0, 0x9000, 0xf));
  machine.write(0x9008, flat_descriptor(3, 0));
  cpu.gpr[Rax] = SystemCpu::kSpare;
  ASSERT_EQ(machine.run({0x0f, 0x00, 0xd0}), Flow::Next);
  cpu.gpr[Rax] = 0x0c;
  EXPECT_EQ(machine.run({0x8e, 0xd8}), Flow::Next);
  EXPECT_EQ(cpu.segments[Ds].limit, 0xffff'ffffu);
}

TEST(DescriptorTablesTest, KeepsUserCodeAwayFromTables) {
  auto machine = SystemCpu::long_mode();
  machine.enter_user();
  machine.cpu().gpr[Rax] = 0x9000;
  for (auto const& code : {std::vector<std::uint8_t>{0x0f, 0x01, 0x10}, {0x0f, 0x00, 0xd8}}) {
    ASSERT_EQ(machine.run(code), Flow::Fault);
    EXPECT_EQ(machine.cpu().exception.vector, kGeneralProtection);
  }
}

TEST(SelectorChecksTest, AnswersInZeroFlagAndRegister) {
  struct Case {
    char const* what;
    std::uint8_t opcode;  // 0x02 LAR, 0x03 LSL
    std::uint16_t selector;
    bool good;
    std::uint64_t value;
  };
  constexpr std::uint64_t kUntouched = 0x77;
  Case const cases[] = {
      {"rights of data", 0x02, SystemCpu::kKernelData, true, 0x00cf'9300},
      {"rights of a TSS", 0x02, SystemCpu::kTask, true, 0x0000'8b00},
      {"limit of data", 0x03, SystemCpu::kUserData, true, 0xffff'ffff},
      {"limit of a TSS", 0x03, SystemCpu::kTask, true, 0x67},
      {"null", 0x03, 0, false, kUntouched},
      {"beyond the table", 0x02, 0x200, false, kUntouched},
      {"RPL too low", 0x03, SystemCpu::kKernelData | 3, false, kUntouched},
  };
  for (auto const& test : cases) {
    SCOPED_TRACE(test.what);
    auto machine = SystemCpu::long_mode();
    machine.cpu().gpr[Rax] = kUntouched;
    machine.cpu().gpr[Rbx] = test.selector;
    ASSERT_EQ(machine.run({0x0f, test.opcode, 0xc3}), Flow::Next);
    EXPECT_EQ(machine.cpu().arithmetic.zf(), test.good);
    EXPECT_EQ(machine.cpu().gpr[Rax], test.value);
  }
}

TEST(SelectorChecksTest, VerifiesReadingAndWriting) {
  auto machine = SystemCpu::long_mode();
  Cpu& cpu = machine.cpu();
  machine.enter_user();
  auto const verify = [&](std::uint8_t modrm, std::uint16_t selector) {
    cpu.gpr[Rax] = selector;
    EXPECT_EQ(machine.run({0x0f, 0x00, modrm}), Flow::Next);
    return cpu.arithmetic.zf();
  };
  constexpr std::uint8_t kVerr = 0xe0;
  constexpr std::uint8_t kVerw = 0xe8;
  EXPECT_TRUE(verify(kVerr, SystemCpu::kUserCode));
  EXPECT_FALSE(verify(kVerw, SystemCpu::kUserCode));
  EXPECT_TRUE(verify(kVerw, SystemCpu::kUserData));
  EXPECT_FALSE(verify(kVerr, SystemCpu::kKernelData));
}

TEST(SelectorChecksTest, ArplRaisesTheLevel) {
  auto machine = SystemCpu::protected_mode();
  Cpu& cpu = machine.cpu();
  cpu.gpr[Rbx] = 0x18;
  cpu.gpr[Rax] = 3;
  ASSERT_EQ(machine.run({0x63, 0xc3}), Flow::Next);
  EXPECT_EQ(cpu.gpr[Rbx], 0x1bu);
  EXPECT_TRUE(cpu.arithmetic.zf());
  ASSERT_EQ(machine.run({0x63, 0xc3}), Flow::Next);
  EXPECT_FALSE(cpu.arithmetic.zf());
}

}  // namespace
}  // namespace bh::vmm::soft
