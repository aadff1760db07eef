#include "vmm/soft/translate/piece_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace bh::vmm::soft {
namespace {

using Code = std::vector<std::uint8_t>;

constexpr TranslationMode kMode{.user = true, .x87 = true, .avx = true, .sse = true};
constexpr std::uint16_t kStart = 0x123;

/// Piece by piece what the decoder alone leads to.
void expect_decoded(Piece const& piece, Code const& code) {
  Instruction instruction;
  ASSERT_EQ(decode(code, CodeSize::Bits64, instruction), DecodeStatus::Ok);
  auto const wanted = make_piece(instruction, kStart, kMode);
  EXPECT_EQ(piece.kind, wanted.kind);
  EXPECT_EQ(piece.op.handler, wanted.op.handler);
  EXPECT_EQ(piece.op.start, wanted.op.start);
  EXPECT_EQ(piece.op.end, wanted.op.end);
  EXPECT_EQ(piece.op.displacement, wanted.op.displacement);
  EXPECT_EQ(piece.op.immediate, wanted.op.immediate);
  EXPECT_EQ(piece.op.base, wanted.op.base);
  EXPECT_EQ(piece.op.index, wanted.op.index);
  EXPECT_EQ(piece.op.memory_size, wanted.op.memory_size);
  EXPECT_EQ(piece.op.operand_size, wanted.op.operand_size);
  EXPECT_EQ(piece.reads, wanted.reads);
  EXPECT_EQ(piece.kills, wanted.kills);
  EXPECT_EQ(piece.registers, wanted.registers);
  EXPECT_EQ(piece.stack_move, wanted.stack_move);
  EXPECT_EQ(piece.encoding.bytes, wanted.encoding.bytes);
  EXPECT_EQ(piece.encoding.length, wanted.encoding.length);
  EXPECT_EQ(piece.encoding.modrm, wanted.encoding.modrm);
  EXPECT_EQ(piece.encoding.tail, wanted.encoding.tail);
}

class PieceCacheTest : public testing::Test {
 protected:
  Piece make(Code const& code) {
    Piece piece;
    EXPECT_EQ(cache_.make(code, kStart, kMode, piece), DecodeStatus::Ok);
    return piece;
  }
  /// Known after the second time at the latest.
  void teach(Code const& code) {
    make(code);
    make(code);
  }

  PieceCache cache_;
};

TEST_F(PieceCacheTest, TakesOtherNumbersForTheSameInstruction) {
  struct Pair {
    Code known;
    Code other;
  };
  std::vector<Pair> const pairs{
      // add eax, imm32; sub rsp, imm8 and imm32; lea rsp, [rsp+disp8]
      {{0x05, 1, 0, 0, 0}, {0x05, 0xff, 0xff, 0xff, 0xff}},
      {{0x48, 0x83, 0xec, 0x10}, {0x48, 0x83, 0xec, 0x80}},
      {{0x48, 0x81, 0xec, 0, 1, 0, 0}, {0x48, 0x81, 0xec, 0, 0, 0, 0x80}},
      {{0x48, 0x8d, 0x64, 0x24, 0x08}, {0x48, 0x8d, 0x64, 0x24, 0xf8}},
      // mov rax, [rbx+rcx*4+disp32]; mov dword [rip+disp32], imm32
      {{0x48, 0x8b, 0x84, 0x8b, 1, 2, 3, 4}, {0x48, 0x8b, 0x84, 0x8b, 0xff, 0xff, 0xff, 0xff}},
      {{0xc7, 0x05, 1, 0, 0, 0, 9, 0, 0, 0}, {0xc7, 0x05, 0, 0, 0, 0xff, 0, 0, 0, 0xff}},
      // mov rax, imm64; mov r9b, imm8; and ax, imm16
      {{0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}, {0x48, 0xb8, 9, 9, 9, 9, 9, 9, 9, 0x99}},
      {{0x41, 0xb1, 0x01}, {0x41, 0xb1, 0xfe}},
      {{0x66, 0x25, 0x01, 0x00}, {0x66, 0x25, 0x00, 0x80}},
      // je rel8; jne rel32; call rel32; ret imm16; shl eax, imm8; test byte [rax], imm8
      {{0x74, 0x10}, {0x74, 0xf0}},
      {{0x0f, 0x85, 1, 0, 0, 0}, {0x0f, 0x85, 0xff, 0xff, 0xff, 0xff}},
      {{0xe8, 1, 0, 0, 0}, {0xe8, 0, 0, 0, 0xff}},
      {{0xc2, 0x08, 0x00}, {0xc2, 0xf0, 0xff}},
      {{0xc1, 0xe0, 0x01}, {0xc1, 0xe0, 0x1f}},
      {{0xf6, 0x00, 0x01}, {0xf6, 0x00, 0x80}},
      // mov rax, fs:[disp32]; pshufd xmm1, [rdi+disp8], imm8
      {{0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0},
       {0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0x80}},
      {{0x66, 0x0f, 0x70, 0x4f, 0x10, 0x01}, {0x66, 0x0f, 0x70, 0x4f, 0xf0, 0xff}},
  };
  for (auto const& pair : pairs) {
    teach(pair.known);
    auto const before = cache_.hits();
    expect_decoded(make(pair.other), pair.other);
    EXPECT_EQ(cache_.hits(), before + 1) << testing::PrintToString(pair.other);
  }
}

TEST_F(PieceCacheTest, OthersOfAnOpcodeAreNotMixedUp) {
  // test eax, imm32 and not eax have one opcode; so have cmpsd and cmpps.
  teach({0xf7, 0xc0, 1, 0, 0, 0});
  Code const negate{0xf7, 0xd0, 0x90, 0x90, 0x90, 0x90};
  expect_decoded(make(negate), {0xf7, 0xd0});
  teach({0x66, 0xf7, 0xc0, 1, 0});
  expect_decoded(make({0x48, 0xf7, 0xc0, 1, 0, 0, 0}), {0x48, 0xf7, 0xc0, 1, 0, 0, 0});
}

TEST_F(PieceCacheTest, LeavesOddNumbersToTheDecoder) {
  // enter 16, 1; mov rax, moffs64; mov rax, cr0 with a ModRM that looks like memory
  for (Code const& code :
       {Code{0xc8, 16, 0, 1}, Code{0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8}, Code{0x0f, 0x20, 0x00},
        Code{0x67, 0x8b, 0x00}, Code{0xc5, 0xf8, 0x58, 0xc1}}) {
    teach(code);
    expect_decoded(make(code), code);
  }
}

TEST_F(PieceCacheTest, AgreesWithTheDecoderOnAnyBytes) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    Code code(ZYDIS_MAX_INSTRUCTION_LENGTH);
    for (auto& byte : code) byte = static_cast<std::uint8_t>(random());
    // Few opcodes, so that they come again.
    if (i % 2 == 0) code[0] = 0x48;
    code[i % 2 == 0 ? 1 : 0] &= 0x9f;
    Instruction instruction;
    Piece piece;
    auto const status = decode(code, CodeSize::Bits64, instruction);
    ASSERT_EQ(cache_.make(code, kStart, kMode, piece), status);
    if (status == DecodeStatus::Ok) expect_decoded(piece, code);
    if (HasFailure()) FAIL() << testing::PrintToString(code);
  }
  EXPECT_GT(cache_.hits(), 1000u);
}

TEST_F(PieceCacheTest, AnInstructionThatIsCutOffNeedsMoreBytes) {
  teach({0x48, 0x81, 0xec, 0, 1, 0, 0});
  Piece piece;
  EXPECT_EQ(cache_.make(Code{0x48, 0x81, 0xec, 0}, kStart, kMode, piece),
            DecodeStatus::NeedsMoreBytes);
}

TEST_F(PieceCacheTest, ModesDoNotShare) {
  // fld1, which is stepped if x87 may not be used.
  Code const code{0xd9, 0xe8};
  teach(code);
  Piece piece;
  ASSERT_EQ(cache_.make(code, kStart, {.user = true}, piece), DecodeStatus::Ok);
  EXPECT_EQ(piece.kind, PieceKind::Step);
}

}  // namespace
}  // namespace bh::vmm::soft
