#include "vmm/soft/translate/translator.h"

#include <gtest/gtest.h>

#include "vmm/soft/translate/testing/translated_cpu.h"

namespace bh::vmm::soft {
namespace {

using Code = std::vector<std::uint8_t>;

Code operator+(Code left, Code const& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Code const kHalt{0xf4};

class TranslatorTest : public testing::Test {
 protected:
  TranslatedCpu translated_;
  Cpu& cpu_ = translated_.cpu();
};

TEST_F(TranslatorTest, KeepsRegistersThatLiveInMemoryAndThoseThatDoNot) {
  // mov r11, 5; mov r15, 7; add r11, r15; lea rax, [r11+r15*2]; hlt
  ASSERT_TRUE(translated_.run(Code{0x49, 0xc7, 0xc3, 5,    0,    0,    0,    0x49, 0xc7, 0xc7, 7,
                                   0,    0,    0,    0x4d, 0x01, 0xfb, 0x4b, 0x8d, 0x04, 0x7b} +
                              kHalt));
  EXPECT_EQ(cpu_.gpr[R11], 12u);
  EXPECT_EQ(cpu_.gpr[R15], 7u);
  EXPECT_EQ(cpu_.gpr[Rax], 26u);
}

TEST_F(TranslatorTest, LoopsWithoutLeavingTranslatedCode) {
  // mov ecx, 1000; xor eax, eax; again: add eax, ecx; dec ecx; jnz again; hlt
  ASSERT_TRUE(translated_.run(
      Code{0xb9, 0xe8, 3, 0, 0, 0x31, 0xc0, 0x01, 0xc8, 0xff, 0xc9, 0x75, 0xfa} + kHalt));
  EXPECT_EQ(cpu_.gpr[Rax], 500'500u);
  EXPECT_EQ(translated_.steps(), 0u);
  EXPECT_LT(translated_.translator().translated(), 20u);
}

TEST_F(TranslatorTest, ALoopEndsWhenSomethingWantsAttention) {
  // again: jmp again
  translated_.bare().load_code({0xeb, 0xfe});
  auto& translator = translated_.translator();
  cpu_.attention.store(1);
  EXPECT_EQ(translator.run(), Translator::Stop::Look);
  EXPECT_EQ(cpu_.rip, BareCpu::kCode);
}

TEST_F(TranslatorTest, CarriesFlagsOverMemoryAccesses) {
  // stc; mov [rbx], rax; adc ecx, 0; hlt
  cpu_.gpr[Rbx] = 0x8000;
  cpu_.gpr[Rcx] = 41;
  ASSERT_TRUE(translated_.run(Code{0xf9, 0x48, 0x89, 0x03, 0x83, 0xd1, 0x00} + kHalt));
  EXPECT_EQ(cpu_.gpr[Rcx], 42u);
}

TEST_F(TranslatorTest, CallsAndReturns) {
  // call function; add eax, 1; hlt; function: mov eax, 41; ret
  ASSERT_TRUE(
      translated_.run(Code{0xe8, 4, 0, 0, 0, 0x83, 0xc0, 1, 0xf4, 0xb8, 41, 0, 0, 0, 0xc3}));
  EXPECT_EQ(cpu_.gpr[Rax], 42u);
  EXPECT_EQ(cpu_.gpr[Rsp], BareCpu::kMemorySize / 2);
}

TEST_F(TranslatorTest, PushesAndPopsInARow) {
  cpu_.gpr[R15] = 15;
  cpu_.gpr[Rax] = 1;
  // push rax; push r15; push rsp; push -2; pop rbx; pop rcx; pop r11; pop rdx; hlt
  ASSERT_TRUE(translated_.run(
      Code{0x50, 0x41, 0x57, 0x54, 0x6a, 0xfe, 0x5b, 0x59, 0x41, 0x5b, 0x5a} + kHalt));
  EXPECT_EQ(cpu_.gpr[Rbx], ~std::uint64_t{1});
  EXPECT_EQ(cpu_.gpr[Rcx], BareCpu::kMemorySize / 2 - 16);
  EXPECT_EQ(cpu_.gpr[R11], 15u);
  EXPECT_EQ(cpu_.gpr[Rdx], 1u);
}

TEST_F(TranslatorTest, StepsAnOperandThatReachesIntoTheNextPage) {
  cpu_.gpr[Rbx] = 0x8ffc;
  cpu_.gpr[Rax] = 0x1122'3344'5566'7788;
  // mov [rbx], rax; mov rcx, [rbx]; hlt
  ASSERT_TRUE(translated_.run(Code{0x48, 0x89, 0x03, 0x48, 0x8b, 0x0b} + kHalt));
  EXPECT_EQ(cpu_.gpr[Rcx], cpu_.gpr[Rax]);
  EXPECT_EQ(translated_.steps(), 2u);
}

TEST_F(TranslatorTest, ANeighbourThatLiesInTheNextPageIsFoundThere) {
  cpu_.gpr[Rbx] = 0x8ff8;
  translated_.bare().write<std::uint64_t>(0x8ff8, 1);
  translated_.bare().write<std::uint64_t>(0x9000, 2);
  // mov rax, [rbx]; mov rcx, [rbx+8]; hlt
  ASSERT_TRUE(translated_.run(Code{0x48, 0x8b, 0x03, 0x48, 0x8b, 0x4b, 0x08} + kHalt));
  EXPECT_EQ(cpu_.gpr[Rax], 1u);
  EXPECT_EQ(cpu_.gpr[Rcx], 2u);
}

TEST_F(TranslatorTest, APlaceThatKeepsChangingPagesGivesUpItsSlot) {
  cpu_.gpr[Rbx] = 0x8000;
  // mov ecx, 20000; again: xor rbx, 0x1000; add qword [rbx], 1; dec ecx; jnz again; hlt
  ASSERT_TRUE(translated_.run(Code{0xb9, 0x20, 0x4e, 0,    0,    0x48, 0x81, 0xf3, 0,    0x10,
                                   0,    0,    0x48, 0x83, 0x03, 0x01, 0xff, 0xc9, 0x75, 0xf1} +
                              kHalt));
  EXPECT_EQ(translated_.bare().read<std::uint64_t>(0x8000), 10'000u);
  EXPECT_EQ(translated_.bare().read<std::uint64_t>(0x9000), 10'000u);
  EXPECT_EQ(translated_.steps(), 0u);
  // The first block has a probe and two links; then comes the loop's own.
  Site const& probe = translated_.translator().cache().site(3);
  EXPECT_EQ(probe.kind, SiteKind::Miss);
  EXPECT_EQ(probe.patch, 0u);
}

TEST_F(TranslatorTest, CopiesBetweenPagesThatShareAnEntryOfTheTlb) {
  translated_.bare().write<std::uint64_t>(0x8008, 1);
  translated_.bare().write<std::uint64_t>(0x9008, 2);
  // Long enough for both places to give up their slots.
  // mov ebx, 20000; again: xor r8d, 0x1000; lea esi, [r8+0x8000]; lea edi, [r8+0x408000]
  // mov ecx, 16; rep movsb; dec ebx; jnz again; hlt
  static_assert(0x400000 % (InlineTlb::kEntries * kPageSize) == 0);
  ASSERT_TRUE(translated_.run(Code{0xbb, 0x20, 0x4e, 0,    0,    0x41, 0x81, 0xf0, 0, 0x10,
                                   0,    0,    0x41, 0x8d, 0xb0, 0,    0x80, 0,    0, 0x41,
                                   0x8d, 0xb8, 0,    0x80, 0x40, 0,    0xb9, 16,   0, 0,
                                   0,    0xf3, 0xa4, 0xff, 0xcb, 0x75, 0xe0} +
                              kHalt));
  EXPECT_EQ(translated_.bare().read<std::uint64_t>(0x408008), 1u);
  EXPECT_EQ(translated_.bare().read<std::uint64_t>(0x409008), 2u);
  EXPECT_EQ(cpu_.gpr[Rsi], 0x8010u);
  EXPECT_EQ(cpu_.gpr[Rdi], 0x408010u);
  EXPECT_EQ(translated_.steps(), 0u);
}

TEST_F(TranslatorTest, StepsAStringThatEndsInAnotherPage) {
  cpu_.gpr[Rdi] = 0x8ff0;
  cpu_.gpr[Rcx] = 4;
  cpu_.gpr[Rax] = 7;
  // rep stosq; hlt
  ASSERT_TRUE(translated_.run(Code{0xf3, 0x48, 0xab} + kHalt));
  EXPECT_EQ(translated_.bare().read<std::uint64_t>(0x9008), 7u);
  EXPECT_EQ(cpu_.gpr[Rdi], 0x9010u);
  EXPECT_EQ(cpu_.gpr[Rcx], 0u);
}

TEST_F(TranslatorTest, AStringOfNothingTouchesNothing) {
  cpu_.gpr[Rdi] = 0xdead'0000'0000'0000;
  // rep stosq; hlt
  ASSERT_TRUE(translated_.run(Code{0xf3, 0x48, 0xab} + kHalt));
  EXPECT_EQ(cpu_.gpr[Rdi], 0xdead'0000'0000'0000u);
}

TEST_F(TranslatorTest, FindsFunctionsOfOtherPagesAgainAfterTheyMoved) {
  // At 0x1000: call 0x3000; call 0x3000; hlt. At 0x3000: add eax, 1; ret
  auto& bare = translated_.bare();
  Code const function{0x83, 0xc0, 0x01, 0xc3};
  (void)bare.memory().write({0x3000}, std::as_bytes(std::span(function)));
  Code const calls = Code{0xe8, 0xfb, 0x1f, 0, 0, 0xe8, 0xf6, 0x1f, 0, 0} + kHalt;
  ASSERT_TRUE(translated_.run(calls));
  EXPECT_EQ(cpu_.gpr[Rax], 2u);
  Code const other{0x83, 0xc0, 0x10, 0xc3};
  (void)bare.memory().write({0x3000}, std::as_bytes(std::span(other)));
  cpu_.mmu.forget_page(0x3000);
  cpu_.rip = BareCpu::kCode;
  ASSERT_TRUE(translated_.run());
  EXPECT_EQ(cpu_.gpr[Rax], 2u + 0x20);
}

TEST_F(TranslatorTest, StoresBesideCodeThatJustWentAreSeenWhenItComesBack) {
  auto& bare = translated_.bare();
  ASSERT_TRUE(translated_.run(Code{0xb8, 1, 0, 0, 0} + kHalt));
  // At 0x3000: mov dword [0x1001], ecx; loop of 200 stores, which ends the watch; hlt
  // mov edx, 200; again: mov [0x1001], ecx; dec edx; jnz again; hlt
  Code const stores{0xba, 200, 0, 0,    0,    0x89, 0x0c, 0x25, 0x01,
                    0x10, 0,   0, 0xff, 0xca, 0x75, 0xf5, 0xf4};
  (void)bare.memory().write({0x3000}, std::as_bytes(std::span(stores)));
  for (std::uint32_t const value : {5u, 6u}) {
    cpu_.gpr[Rcx] = value;
    cpu_.rip = 0x3000;
    ASSERT_TRUE(translated_.run());
    cpu_.rip = BareCpu::kCode;
    ASSERT_TRUE(translated_.run());
    EXPECT_EQ(cpu_.gpr[Rax], value);
  }
}

TEST_F(TranslatorTest, RunsInstructionsThatLieInTwoPages) {
  // At the end of the first page: mov eax, 0x01020304; hlt
  std::uint64_t const at = BareCpu::kCode + kPageSize - 2;
  translated_.bare().write<std::uint16_t>(at, 0x04b8);
  translated_.bare().write<std::uint32_t>(at + 2, 0xf401'0203);
  cpu_.rip = at;
  ASSERT_TRUE(translated_.run());
  EXPECT_EQ(cpu_.gpr[Rax], 0x0102'0304u);
  EXPECT_EQ(translated_.steps(), 0u);
}

TEST_F(TranslatorTest, SeesCodeThatTheGuestChanges) {
  // mov eax, 1; hlt
  Code const code = Code{0xb8, 1, 0, 0, 0} + kHalt;
  ASSERT_TRUE(translated_.run(code));
  ASSERT_EQ(cpu_.gpr[Rax], 1u);
  // At 0x3000: mov byte [0x1001], 2; jmp 0x1000
  auto& bare = translated_.bare();
  Code const change{0xc6, 0x04, 0x25, 0x01, 0x10, 0, 0, 2, 0xe9, 0xf3, 0xdf, 0xff, 0xff};
  (void)bare.memory().write({0x3000}, std::as_bytes(std::span(change)));
  cpu_.rip = 0x3000;
  ASSERT_TRUE(translated_.run());
  EXPECT_EQ(cpu_.gpr[Rax], 2u);
}

TEST_F(TranslatorTest, ANumberThatKeepsChangingNeedsNoNewTranslation) {
  // At 0x1000: mov eax, 0; ret
  auto& bare = translated_.bare();
  bare.load_code({0xb8, 0, 0, 0, 0, 0xc3});
  // At 0x3000: mov ecx, 1000; again: mov [0x1001], ecx; call 0x1000; add rbx, rax; dec ecx; jnz
  // again; hlt
  Code const code{0xb9, 0xe8, 3,    0,    0,    0x89, 0x0c, 0x25, 0x01, 0x10, 0,    0,   0xe8,
                  0xef, 0xdf, 0xff, 0xff, 0x48, 0x01, 0xc3, 0xff, 0xc9, 0x75, 0xed, 0xf4};
  (void)bare.memory().write({0x3000}, std::as_bytes(std::span(code)));
  cpu_.gpr[Rbx] = 0;
  cpu_.rip = 0x3000;
  ASSERT_TRUE(translated_.run());
  EXPECT_EQ(cpu_.gpr[Rbx], 500'500u);
  EXPECT_EQ(bare.read<std::uint32_t>(0x1001), 1u);
  EXPECT_LT(translated_.translator().translated(), 100u);
  // Another instruction in its place: mov eax, edx
  cpu_.gpr[Rdx] = 77;
  bare.write<std::uint16_t>(0x1000, 0xd089);
  bare.write<std::uint8_t>(0x1002, 0xc3);
  cpu_.gpr[Rsp] -= 8;
  bare.write<std::uint64_t>(cpu_.gpr[Rsp], 0x3018);
  cpu_.rip = BareCpu::kCode;
  ASSERT_TRUE(translated_.run());
  EXPECT_EQ(cpu_.gpr[Rax], 77u);
}

TEST_F(TranslatorTest, SeesCodeThatADeviceChanges) {
  ASSERT_TRUE(translated_.run(Code{0xb8, 1, 0, 0, 0} + kHalt));
  ASSERT_TRUE(translated_.run(Code{0xb8, 3, 0, 0, 0} + kHalt));
  EXPECT_EQ(cpu_.gpr[Rax], 3u);
}

TEST_F(TranslatorTest, ABlockThatChangesItselfIsLeft) {
  // mov byte [0x1009], 7, which is the immediate of the next one; mov eax, 1; hlt
  ASSERT_TRUE(
      translated_.run(Code{0xc6, 0x04, 0x25, 0x09, 0x10, 0, 0, 7, 0xb8, 1, 0, 0, 0} + kHalt));
  EXPECT_EQ(cpu_.gpr[Rax], 7u);
}

TEST_F(TranslatorTest, AReturnToWhereNoCodeCanBeIsUndone) {
  translated_.bare().write<std::uint64_t>(BareCpu::kMemorySize / 2, 0x8000'0000'0000'0000);
  EXPECT_FALSE(translated_.run(Code{0xc3}));
  EXPECT_EQ(cpu_.exception.vector, kGeneralProtection);
  EXPECT_EQ(cpu_.rip, BareCpu::kCode);
  EXPECT_EQ(cpu_.gpr[Rsp], BareCpu::kMemorySize / 2);
}

TEST_F(TranslatorTest, ADivisionByZeroIsTheGuests) {
  // xor ecx, ecx; div ecx
  EXPECT_FALSE(translated_.run(Code{0x31, 0xc9, 0xf7, 0xf1}));
  EXPECT_EQ(cpu_.exception.vector, kDivideError);
}

TEST_F(TranslatorTest, KeepsVectorsAndX87AcrossSteps) {
  // mov eax, 2; cvtsi2sd xmm1, eax; fld1; cpuid; addsd xmm1, xmm1; faddp st(1) after fld1;
  // cvttsd2si ebx, xmm1; fistp qword [rdi]; hlt
  cpu_.gpr[Rdi] = 0x8000;
  ASSERT_TRUE(translated_.run(Code{0xb8, 2,    0,    0,    0,    0xf2, 0x0f, 0x2a, 0xc8,
                                   0xd9, 0xe8, 0x0f, 0xa2, 0xf2, 0x0f, 0x58, 0xc9, 0xd9,
                                   0xe8, 0xde, 0xc1, 0xf2, 0x0f, 0x2c, 0xd9, 0xdf, 0x3f} +
                              kHalt));
  EXPECT_EQ(cpu_.gpr[Rbx] & 0xffff'ffff, 4u);
  EXPECT_EQ(translated_.bare().read<std::uint64_t>(0x8000), 2u);
}

}  // namespace
}  // namespace bh::vmm::soft
