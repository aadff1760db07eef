#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "vmm/soft/testing/bare_cpu.h"

namespace bh::vmm::soft {
namespace {

using Code = std::vector<std::uint8_t>;
constexpr std::uint64_t kData = 0x4000;

class StepTest : public testing::Test {
 protected:
  Flow run(Code const& code) {
    bare_.load_code(code);
    return bare_.step();
  }
  /// Steps until RIP is behind `code`, as a long string instruction needs.
  void run_through(Code const& code) {
    bare_.load_code(code);
    while (cpu().rip != BareCpu::kCode + code.size()) {
      auto const flow = bare_.step();
      ASSERT_TRUE(flow == Flow::Next || flow == Flow::Leave);
    }
  }
  Cpu& cpu() { return bare_.cpu(); }

  BareCpu bare_;
};

TEST_F(StepTest, MovesPartsOfRegistersAsTheirWidthSays) {
  cpu().gpr[Rax] = 0x1122334455667788;
  EXPECT_EQ(run({0xb4, 0xff}), Flow::Next);  // mov ah, 0xff
  EXPECT_EQ(cpu().gpr[Rax], 0x112233445566ff88u);
  EXPECT_EQ(run({0x89, 0xc0}), Flow::Next);  // mov eax, eax
  EXPECT_EQ(cpu().gpr[Rax], 0x5566ff88u);
}

TEST_F(StepTest, LoadsRelativeToTheNextInstruction) {
  bare_.write<std::uint32_t>(kData, 77);
  EXPECT_EQ(run({0x8b, 0x05, 0xfa, 0x2f, 0x00, 0x00}), Flow::Next);  // mov eax, [rip+0x2ffa]
  EXPECT_EQ(cpu().gpr[Rax], 77u);
}

TEST_F(StepTest, CutsAddressesTo32BitsWithTheAddressSizePrefix) {
  cpu().gpr[Rcx] = 0xffff'ffff'0000'4000;
  bare_.write<std::uint64_t>(kData, 5);
  EXPECT_EQ(run({0x67, 0x48, 0x8b, 0x01}), Flow::Next);  // mov rax, [ecx]
  EXPECT_EQ(cpu().gpr[Rax], 5u);
}

TEST_F(StepTest, AddsTheBaseOfFs) {
  cpu().segment_base[Fs] = kData;
  bare_.write<std::uint64_t>(kData + 0x28, 9);
  EXPECT_EQ(run({0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0x00, 0x00, 0x00}), Flow::Next);
  EXPECT_EQ(cpu().gpr[Rax], 9u);
}

TEST_F(StepTest, CallsAndReturns) {
  std::uint64_t const stack = cpu().gpr[Rsp];
  EXPECT_EQ(run({0xe8, 0x10, 0x00, 0x00, 0x00}), Flow::Leave);
  EXPECT_EQ(cpu().rip, BareCpu::kCode + 0x15);
  EXPECT_EQ(bare_.read<std::uint64_t>(stack - 8), BareCpu::kCode + 5);
  bare_.write<std::uint8_t>(cpu().rip, 0xc3);
  EXPECT_EQ(bare_.step(), Flow::Leave);
  EXPECT_EQ(cpu().rip, BareCpu::kCode + 5);
  EXPECT_EQ(cpu().gpr[Rsp], stack);
}

TEST_F(StepTest, TakesABranchWhoseConditionHolds) {
  cpu().arithmetic = ArithmeticFlags::from_rflags(kFlagZf);
  EXPECT_EQ(run({0x74, 0x10}), Flow::Leave);  // jz
  EXPECT_EQ(cpu().rip, BareCpu::kCode + 0x12);
  EXPECT_EQ(run({0x75, 0x10}), Flow::Next);  // jnz
  EXPECT_EQ(cpu().rip, BareCpu::kCode + 2);
}

TEST_F(StepTest, PopsIntoMemoryAtTheAddressAfterThePop) {
  std::uint64_t const stack = cpu().gpr[Rsp];
  bare_.write<std::uint64_t>(stack, 0xabc);
  EXPECT_EQ(run({0x8f, 0x04, 0x24}), Flow::Next);  // pop qword [rsp]
  EXPECT_EQ(bare_.read<std::uint64_t>(stack + 8), 0xabcu);
}

TEST_F(StepTest, PushesTheOldValueOfTheStackPointer) {
  std::uint64_t const stack = cpu().gpr[Rsp];
  EXPECT_EQ(run({0x54}), Flow::Next);  // push rsp
  EXPECT_EQ(bare_.read<std::uint64_t>(stack - 8), stack);
}

TEST_F(StepTest, UndoesEnterWithLeave) {
  std::uint64_t const stack = cpu().gpr[Rsp];
  cpu().gpr[Rbp] = 0x777;
  EXPECT_EQ(run({0xc8, 0x20, 0x00, 0x00}), Flow::Next);  // enter 0x20, 0
  EXPECT_EQ(cpu().gpr[Rsp], stack - 8 - 0x20);
  EXPECT_EQ(run({0xc9}), Flow::Next);  // leave
  EXPECT_EQ(cpu().gpr[Rsp], stack);
  EXPECT_EQ(cpu().gpr[Rbp], 0x777u);
}

TEST_F(StepTest, FillsAcrossPages) {
  cpu().gpr[Rdi] = kData + 1;
  cpu().gpr[Rcx] = 3000;
  cpu().gpr[Rax] = 0x01020304;
  run_through({0xf3, 0xab});  // rep stosd
  EXPECT_EQ(cpu().gpr[Rcx], 0u);
  EXPECT_EQ(cpu().gpr[Rdi], kData + 1 + 12000);
  EXPECT_EQ(bare_.read<std::uint32_t>(kData + 1 + 11996), 0x01020304u);
  EXPECT_EQ(bare_.read<std::uint32_t>(kData + 1 + 12000), 0u);
}

TEST_F(StepTest, RepeatsAnOverlappingCopyElementByElement) {
  bare_.write<std::uint8_t>(kData, 'x');
  cpu().gpr[Rsi] = kData;
  cpu().gpr[Rdi] = kData + 1;
  cpu().gpr[Rcx] = 100;
  run_through({0xf3, 0xa4});  // rep movsb
  EXPECT_EQ(bare_.read<std::uint8_t>(kData + 100), 'x');
}

TEST_F(StepTest, CopiesBackwards) {
  for (std::uint8_t i = 0; i < 8; ++i) bare_.write<std::uint8_t>(kData + i, i);
  cpu().system_flags |= kFlagDf;
  cpu().gpr[Rsi] = kData + 7;
  cpu().gpr[Rdi] = kData + 9;
  cpu().gpr[Rcx] = 8;
  run_through({0xf3, 0xa4});
  EXPECT_EQ(bare_.read<std::uint8_t>(kData + 9), 7);
  EXPECT_EQ(bare_.read<std::uint8_t>(kData + 2), 0);
  EXPECT_EQ(cpu().gpr[Rdi], kData + 1);
}

TEST_F(StepTest, StopsScanningAtTheByteItLooksFor) {
  ASSERT_TRUE(bare_.memory().write({kData}, std::as_bytes(std::span("hello", 6))));
  cpu().gpr[Rdi] = kData;
  cpu().gpr[Rcx] = ~std::uint64_t{0};
  cpu().gpr[Rax] = 0;
  run_through({0xf2, 0xae});  // repne scasb
  EXPECT_EQ(cpu().gpr[Rdi], kData + 6);
  EXPECT_TRUE(cpu().arithmetic.zf());
}

TEST_F(StepTest, LeavesFlagsAloneWhenThereIsNothingToCompare) {
  cpu().arithmetic = ArithmeticFlags::from_rflags(kFlagCf);
  cpu().gpr[Rcx] = 0;
  EXPECT_EQ(run({0xf3, 0xa6}), Flow::Next);  // repe cmpsb
  EXPECT_EQ(cpu().arithmetic.rflags(), kFlagCf);
}

TEST_F(StepTest, AnswersADeviceReadWhenTheInstructionStartsAgain) {
  cpu().gpr[Rbx] = 0xd000'0000;
  EXPECT_EQ(run({0x8b, 0x03}), Flow::Exit);  // mov eax, [rbx]
  auto const* read = std::get_if<MmioRead>(&cpu().exit);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->address.value, 0xd000'0000u);
  ASSERT_EQ(read->data.size(), 4u);
  std::uint32_t const answer = 0x12345678;
  std::memcpy(read->data.data(), &answer, sizeof answer);
  cpu().replay.rewind();
  EXPECT_EQ(bare_.step(), Flow::Next);
  EXPECT_EQ(cpu().gpr[Rax], 0x12345678u);
}

TEST_F(StepTest, ReadsAndThenWritesADeviceOnce) {
  cpu().gpr[Rbx] = 0xd000'0000;
  EXPECT_EQ(run({0x83, 0x03, 0x01}), Flow::Exit);  // add dword [rbx], 1
  auto const* read = std::get_if<MmioRead>(&cpu().exit);
  ASSERT_NE(read, nullptr);
  std::uint32_t const answer = 41;
  std::memcpy(read->data.data(), &answer, sizeof answer);
  cpu().replay.rewind();
  EXPECT_EQ(bare_.step(), Flow::Exit);
  auto const* write = std::get_if<MmioWrite>(&cpu().exit);
  ASSERT_NE(write, nullptr);
  EXPECT_EQ(write->data[0], std::byte{42});
  cpu().replay.rewind();
  EXPECT_EQ(bare_.step(), Flow::Next);
}

TEST_F(StepTest, RefusesWhatNoInstructionSetWeOfferHas) {
  EXPECT_EQ(run({0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc1}), Flow::Fault);  // vaddps zmm0, zmm0, zmm1
  EXPECT_EQ(cpu().exception.vector, kInvalidOpcode);
  EXPECT_EQ(run({0x0f, 0xff}), Flow::Fault);
  EXPECT_EQ(cpu().exception.vector, kInvalidOpcode);
}

TEST_F(StepTest, DecodesAnInstructionThatReachesIntoTheNextPage) {
  std::uint64_t const start = BareCpu::kCode + kPageSize - 2;
  Code const code{0xb8, 0x44, 0x33, 0x22, 0x11};  // mov eax, 0x11223344
  ASSERT_TRUE(bare_.memory().write({start}, std::as_bytes(std::span(code))));
  cpu().rip = start;
  EXPECT_EQ(bare_.step(), Flow::Next);
  EXPECT_EQ(cpu().gpr[Rax], 0x11223344u);
  bare_.write<std::uint8_t>(start + 4, 0x55);
  cpu().rip = start;
  EXPECT_EQ(bare_.step(), Flow::Next);
  EXPECT_EQ(cpu().gpr[Rax], 0x55223344u);
}

}  // namespace
}  // namespace bh::vmm::soft
