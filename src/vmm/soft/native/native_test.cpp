#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "vmm/soft/native/rewrite.h"
#include "vmm/soft/testing/bare_cpu.h"

namespace bh::vmm::soft {
namespace {

using Code = std::vector<std::uint8_t>;
constexpr std::uint64_t kData = 0x4000;

class NativeTest : public testing::Test {
 protected:
  Flow run(Code const& code) {
    bare_.load_code(code);
    return bare_.step();
  }
  Cpu& cpu() { return bare_.cpu(); }

  BareCpu bare_;
};

TEST_F(NativeTest, AddsMemoryToARegisterAndSetsFlags) {
  bare_.write<std::uint64_t>(kData + 8, 1);
  cpu().gpr[Rbx] = kData;
  cpu().gpr[Rax] = ~std::uint64_t{0};
  EXPECT_EQ(run({0x48, 0x03, 0x43, 0x08}), Flow::Next);  // add rax, [rbx+8]
  EXPECT_EQ(cpu().gpr[Rax], 0u);
  EXPECT_TRUE(cpu().arithmetic.cf());
  EXPECT_TRUE(cpu().arithmetic.zf());
  EXPECT_EQ(cpu().rip, BareCpu::kCode + 4);
}

TEST_F(NativeTest, ReadsAndWritesMemoryThroughTheSameInstruction) {
  bare_.write<std::uint32_t>(kData, 41);
  EXPECT_EQ(run({0xff, 0x04, 0x25, 0x00, 0x40, 0x00, 0x00}), Flow::Next);  // inc dword [0x4000]
  EXPECT_EQ(bare_.read<std::uint32_t>(kData), 42u);
}

TEST_F(NativeTest, UsesTheGuestsStackPointerWithoutLosingTheHosts) {
  cpu().gpr[Rsp] = 0x2000;
  EXPECT_EQ(run({0x48, 0x83, 0xec, 0x18}), Flow::Next);  // sub rsp, 0x18
  EXPECT_EQ(cpu().gpr[Rsp], 0x1fe8u);
}

TEST_F(NativeTest, TellsTheStackPointerFromTheRegisterThatStandsInForIt) {
  cpu().gpr[Rsp] = 0x2000;
  cpu().gpr[Rdx] = 0x3000;
  EXPECT_EQ(run({0x48, 0x83, 0xec, 0x20}), Flow::Next);  // sub rsp, 0x20
  EXPECT_EQ(run({0x48, 0x83, 0xea, 0x20}), Flow::Next);  // sub rdx, 0x20
  EXPECT_EQ(cpu().gpr[Rsp], 0x1fe0u);
  EXPECT_EQ(cpu().gpr[Rdx], 0x2fe0u);
}

TEST_F(NativeTest, RunsHighByteRegistersBesideMemory) {
  bare_.write<std::uint8_t>(kData, 5);
  cpu().gpr[Rbx] = 0x0700;
  cpu().gpr[R9] = kData;
  cpu().gpr[Rsi] = kData;
  EXPECT_EQ(run({0x02, 0x3e}), Flow::Next);  // add bh, [rsi]
  EXPECT_EQ(cpu().gpr[Rbx], 0x0c00u);
}

TEST_F(NativeTest, CarriesFlagsIntoInstructionsThatReadThem) {
  cpu().arithmetic = ArithmeticFlags::from_rflags(kFlagCf);
  cpu().gpr[Rcx] = 1;
  EXPECT_EQ(run({0x48, 0x83, 0xd1, 0x00}), Flow::Next);  // adc rcx, 0
  EXPECT_EQ(cpu().gpr[Rcx], 2u);
}

TEST_F(NativeTest, KeepsFlagsOfAShiftByZero) {
  cpu().arithmetic = ArithmeticFlags::from_rflags(kFlagCf | kFlagOf | kFlagZf);
  cpu().gpr[Rcx] = 0;
  EXPECT_EQ(run({0x48, 0xd3, 0xe0}), Flow::Next);  // shl rax, cl
  EXPECT_EQ(cpu().arithmetic.rflags(), kFlagCf | kFlagOf | kFlagZf);
}

TEST_F(NativeTest, TurnsADivisionByZeroIntoTheGuestsException) {
  cpu().gpr[Rcx] = 0;
  cpu().gpr[Rax] = 7;
  EXPECT_EQ(run({0x48, 0xf7, 0xf1}), Flow::Fault);  // div rcx
  EXPECT_EQ(cpu().exception.vector, kDivideError);
  EXPECT_EQ(cpu().gpr[Rax], 7u);
}

TEST_F(NativeTest, TurnsAMisalignedVectorIntoTheGuestsException) {
  cpu().gpr[Rax] = kData + 8;
  EXPECT_EQ(run({0x0f, 0x28, 0x00}), Flow::Fault);  // movaps xmm0, [rax]
  EXPECT_EQ(cpu().exception.vector, kGeneralProtection);
}

TEST_F(NativeTest, SeesAMisalignedVectorAlsoWhereItCrossesAPage) {
  cpu().gpr[Rax] = kData + kPageSize - 8;
  EXPECT_EQ(run({0x0f, 0x28, 0x00}), Flow::Fault);
  EXPECT_EQ(cpu().exception.vector, kGeneralProtection);
}

TEST_F(NativeTest, CopiesAnOperandThatCrossesAPage) {
  std::uint64_t const address = kData + kPageSize - 3;
  bare_.write<std::uint64_t>(address, 0x1122334455667788);
  cpu().gpr[Rdx] = address;
  EXPECT_EQ(run({0x48, 0xf7, 0x12}), Flow::Next);  // not qword [rdx]
  EXPECT_EQ(bare_.read<std::uint64_t>(address), ~std::uint64_t{0x1122334455667788});
}

TEST_F(NativeTest, ComputesWithVectors) {
  std::array<float, 4> const left{1, 2, 3, 4};
  std::memcpy(cpu().ymm[1].data(), left.data(), sizeof left);
  bare_.write(kData, std::array<float, 4>{10, 20, 30, 40});
  cpu().gpr[Rsi] = kData;
  EXPECT_EQ(run({0x0f, 0x58, 0x0e}), Flow::Next);  // addps xmm1, [rsi]
  std::array<float, 4> sum{};
  std::memcpy(sum.data(), cpu().ymm[1].data(), sizeof sum);
  EXPECT_EQ(sum, (std::array<float, 4>{11, 22, 33, 44}));
}

TEST_F(NativeTest, ComputesWithTheX87Stack) {
  bare_.write(kData, 1.5);
  cpu().gpr[Rax] = kData;
  EXPECT_EQ(run({0xdd, 0x00}), Flow::Next);  // fld qword [rax]
  EXPECT_EQ(run({0xd8, 0xc0}), Flow::Next);  // fadd st0, st0
  EXPECT_EQ(run({0xdd, 0x18}), Flow::Next);  // fstp qword [rax]
  EXPECT_EQ(bare_.read<double>(kData), 3.0);
}

TEST_F(NativeTest, RefusesFloatingPointWhileTheTaskSwitchedFlagIsSet) {
  cpu().cr0 |= kCr0Ts;
  EXPECT_EQ(run({0xd9, 0xe8}), Flow::Fault);  // fld1
  EXPECT_EQ(cpu().exception.vector, kDeviceNotAvailable);
}

TEST_F(NativeTest, FindsTheBitOfABitStringFarFromItsBase) {
  bare_.write<std::uint32_t>(kData - 8, 0);
  cpu().gpr[Rdi] = kData;
  cpu().gpr[Rcx] = static_cast<std::uint32_t>(-63);
  EXPECT_EQ(run({0x0f, 0xab, 0x0f}), Flow::Next);  // bts [rdi], ecx
  EXPECT_EQ(bare_.read<std::uint32_t>(kData - 8), 2u);
}

TEST_F(NativeTest, ComparesAndExchangesSixteenBytes) {
  cpu().gpr[Rdi] = kData;
  cpu().gpr[Rbx] = 0x1111;
  cpu().gpr[Rcx] = 0x2222;
  cpu().gpr[Rax] = cpu().gpr[Rdx] = 0;
  EXPECT_EQ(run({0xf0, 0x48, 0x0f, 0xc7, 0x0f}), Flow::Next);  // lock cmpxchg16b [rdi]
  EXPECT_TRUE(cpu().arithmetic.zf());
  EXPECT_EQ(bare_.read<std::uint64_t>(kData), 0x1111u);
  EXPECT_EQ(bare_.read<std::uint64_t>(kData + 8), 0x2222u);
}

TEST_F(NativeTest, GivesInstructionsOfSixteenBitCodeTheirWidth) {
  cpu().code_size = CodeSize::Bits16;
  cpu().gpr[Rax] = 0xffff'ffff;
  EXPECT_EQ(run({0x05, 0x01, 0x00}), Flow::Next);  // add ax, 1
  EXPECT_EQ(cpu().gpr[Rax], 0xffff'0000u);
  EXPECT_EQ(run({0x66, 0x05, 0x01, 0x00, 0x00, 0x00}), Flow::Next);  // add eax, 1
  EXPECT_EQ(cpu().gpr[Rax], 0xffff'0001u);
  EXPECT_EQ(run({0x40}), Flow::Next);  // inc ax
  EXPECT_EQ(cpu().gpr[Rax], 0xffff'0002u);
}

TEST_F(NativeTest, NoticesCodeThatChangesItself) {
  // mov byte [rip-7], 0x90 writes over its own first byte.
  EXPECT_EQ(run({0xc6, 0x05, 0xf9, 0xff, 0xff, 0xff, 0x90}), Flow::Leave);
  cpu().rip = BareCpu::kCode;
  EXPECT_EQ(bare_.step(), Flow::Next);
  EXPECT_EQ(cpu().rip, BareCpu::kCode + 1);
}

}  // namespace
}  // namespace bh::vmm::soft
