#include <gtest/gtest.h>

#include <cstring>

#include "vmm/soft/system/fpu_image.h"
#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

constexpr std::uint64_t kArea = 0x9000;

class FpuStateTest : public testing::Test {
 protected:
  FpuStateTest() {
    cpu_.gpr[Rbx] = kArea;
    for (std::size_t i = 0; i < cpu_.ymm.size(); ++i) {
      cpu_.ymm[i].fill(static_cast<std::byte>(0x10 + i));
    }
    cpu_.fxsave[32] = std::byte{0x77};  // ST0
    cpu_.mxcsr = 0x1fa0;
  }
  void allow_avx() {
    cpu_.cr4 |= kCr4Osxsave;
    cpu_.xcr0 = 7;
  }
  void clear_registers() {
    for (auto& reg : cpu_.ymm) reg.fill(std::byte{0});
    cpu_.fxsave[32] = std::byte{0};
    cpu_.mxcsr = 0x1f80;
  }
  void expect_raises(std::vector<std::uint8_t> const& code, std::uint8_t vector) {
    ASSERT_EQ(machine_.run(code), Flow::Fault);
    EXPECT_EQ(cpu_.exception.vector, vector);
  }

  SystemCpu machine_ = SystemCpu::long_mode();
  Cpu& cpu_ = machine_.cpu();
  std::vector<std::uint8_t> const fxsave64_{0x48, 0x0f, 0xae, 0x03};
  std::vector<std::uint8_t> const fxrstor64_{0x48, 0x0f, 0xae, 0x0b};
  std::vector<std::uint8_t> const xsave64_{0x48, 0x0f, 0xae, 0x23};
  std::vector<std::uint8_t> const xrstor64_{0x48, 0x0f, 0xae, 0x2b};
};

TEST_F(FpuStateTest, FxsaveAndFxrstorAreInverse) {
  auto const ymm = cpu_.ymm;
  ASSERT_EQ(machine_.run(fxsave64_), Flow::Next);
  EXPECT_EQ(machine_.read<std::uint32_t>(kArea + 24), 0x1fa0u);
  EXPECT_EQ(machine_.read<std::uint32_t>(kArea + 28), 0xffffu);
  EXPECT_EQ(machine_.read<std::uint8_t>(kArea + 160 + 15 * 16), 0x1f);
  clear_registers();
  ASSERT_EQ(machine_.run(fxrstor64_), Flow::Next);
  EXPECT_EQ(cpu_.mxcsr, 0x1fa0u);
  EXPECT_EQ(cpu_.fxsave[32], std::byte{0x77});
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(std::memcmp(cpu_.ymm[i].data(), ymm[i].data(), 16), 0);
    EXPECT_EQ(cpu_.ymm[i][16], std::byte{0});  // Upper halves are not FXSAVE's.
  }
}

TEST_F(FpuStateTest, FxsaveKeepsTheSpaceOfSoftware) {
  machine_.write<std::uint64_t>(kArea + 464, 0x1234);
  ASSERT_EQ(machine_.run(fxsave64_), Flow::Next);
  EXPECT_EQ(machine_.read<std::uint64_t>(kArea + 464), 0x1234u);
}

TEST_F(FpuStateTest, KeepsTheDefaultMxcsrInTheImageOfTheStubs) {
  std::uint32_t before = 0;
  std::memcpy(&before, cpu_.fxsave.data() + 24, 4);
  ASSERT_EQ(machine_.run(fxsave64_), Flow::Next);
  ASSERT_EQ(machine_.run(fxrstor64_), Flow::Next);
  std::uint32_t after = 0;
  std::memcpy(&after, cpu_.fxsave.data() + 24, 4);
  EXPECT_EQ(before, 0x1f80u);
  EXPECT_EQ(after, before);
}

TEST_F(FpuStateTest, RefusesReservedMxcsrBitsAndBadAlignment) {
  ASSERT_EQ(machine_.run(fxsave64_), Flow::Next);
  machine_.write<std::uint32_t>(kArea + 24, 0x1'0000);
  expect_raises(fxrstor64_, kGeneralProtection);
  expect_raises({0x0f, 0xae, 0x53, 0x18}, kGeneralProtection);  // ldmxcsr 24(%rbx)
  cpu_.gpr[Rbx] = kArea + 8;
  expect_raises(fxsave64_, kGeneralProtection);
}

TEST_F(FpuStateTest, TrapsWhenTheTaskWasSwitched) {
  cpu_.cr0 |= kCr0Ts;
  expect_raises(fxsave64_, kDeviceNotAvailable);
  expect_raises({0x0f, 0x28, 0xc1}, kDeviceNotAvailable);  // movaps %xmm1, %xmm0
  expect_raises({0xd9, 0xe8}, kDeviceNotAvailable);        // fld1
  EXPECT_EQ(machine_.run({0x9b}), Flow::Next);             // fwait: MP is clear.
  cpu_.cr0 |= kCr0Mp;
  expect_raises({0x9b}, kDeviceNotAvailable);
}

TEST_F(FpuStateTest, KnowsNoSseWithoutTheKernelsLeave) {
  cpu_.cr4 &= ~kCr4Osfxsr;
  expect_raises({0x0f, 0x28, 0xc1}, kInvalidOpcode);
  EXPECT_EQ(machine_.run({0xd9, 0xe8}), Flow::Next);  // x87 needs none.
}

TEST_F(FpuStateTest, XsaveAndXrstorAreInverse) {
  allow_avx();
  auto const ymm = cpu_.ymm;
  cpu_.gpr[Rax] = 7;
  ASSERT_EQ(machine_.run(xsave64_), Flow::Next);
  EXPECT_EQ(machine_.read<std::uint64_t>(kArea + 512), 7u);
  clear_registers();
  ASSERT_EQ(machine_.run(xrstor64_), Flow::Next);
  EXPECT_EQ(cpu_.ymm, ymm);
  EXPECT_EQ(cpu_.fxsave[32], std::byte{0x77});
  EXPECT_EQ(cpu_.mxcsr, 0x1fa0u);
}

TEST_F(FpuStateTest, XrstorInitialisesWhatTheAreaDoesNotHold) {
  allow_avx();
  cpu_.gpr[Rax] = 7;
  ASSERT_EQ(machine_.run(xsave64_), Flow::Next);
  machine_.write<std::uint64_t>(kArea + 512, 2);  // SSE alone.
  ASSERT_EQ(machine_.run(xrstor64_), Flow::Next);
  EXPECT_EQ(cpu_.ymm[3][0], std::byte{0x13});
  EXPECT_EQ(cpu_.ymm[3][16], std::byte{0});
  EXPECT_EQ(cpu_.fxsave[32], std::byte{0});
  std::uint16_t control = 0;
  std::memcpy(&control, cpu_.fxsave.data(), 2);
  EXPECT_EQ(control, 0x37f);
}

TEST_F(FpuStateTest, XrstorTouchesOnlyWhatIsAskedFor) {
  allow_avx();
  cpu_.gpr[Rax] = 7;
  ASSERT_EQ(machine_.run(xsave64_), Flow::Next);
  clear_registers();
  cpu_.gpr[Rax] = 4;
  ASSERT_EQ(machine_.run(xrstor64_), Flow::Next);
  EXPECT_EQ(cpu_.ymm[3][0], std::byte{0});
  EXPECT_EQ(cpu_.ymm[3][16], std::byte{0x13});
}

TEST_F(FpuStateTest, XrstorRefusesHeadersThatAreNotOurs) {
  allow_avx();
  cpu_.gpr[Rax] = 7;
  ASSERT_EQ(machine_.run(xsave64_), Flow::Next);
  machine_.write<std::uint64_t>(kArea + 512, 0x20);  // A component not enabled.
  expect_raises(xrstor64_, kGeneralProtection);
  machine_.write<std::uint64_t>(kArea + 512, 7);
  machine_.write<std::uint64_t>(kArea + 520, std::uint64_t{1} << 63);  // Compacted.
  expect_raises(xrstor64_, kGeneralProtection);
}

TEST_F(FpuStateTest, XsaveNeedsToBeEnabled) {
  expect_raises(xsave64_, kInvalidOpcode);
}

}  // namespace
}  // namespace bh::vmm::soft
