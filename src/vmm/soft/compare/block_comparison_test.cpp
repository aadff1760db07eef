#include "vmm/soft/compare/block_comparison.h"

#include <gtest/gtest.h>

#include "vmm/soft/native/trap_guard.h"
#include "vmm/soft/testing/bare_cpu.h"

namespace bh::vmm::soft {
namespace {

class BlockComparisonTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(install_trap_guard());
    ASSERT_TRUE(guard_thread(&cpu_));
    translator_ = Translator::create(cpu_).value();
    blocks_ = BlockCache::create().value();
    blocks_->decode_single_instructions();
    comparison_.emplace(cpu_, *blocks_, *translator_);
    cpu_.gpr[Rsp] = BareCpu::kMemorySize / 2;
  }

  BareCpu bare_;
  Cpu& cpu_ = bare_.cpu();
  std::unique_ptr<Translator> translator_;
  std::unique_ptr<BlockCache> blocks_;
  std::optional<BlockComparison> comparison_;
};

TEST_F(BlockComparisonTest, ABlockHappensOnce) {
  // lock inc dword [0x8000]; push rax; stc; adc rax, 1; call +0
  bare_.load_code(
      {0xf0, 0xff, 0x04, 0x25, 0, 0x80, 0, 0, 0x50, 0xf9, 0x48, 0x83, 0xd0, 1, 0xe8, 0, 0, 0, 0});
  cpu_.gpr[Rax] = 40;
  EXPECT_EQ(comparison_->run(), Translator::Stop::Look);
  EXPECT_EQ(bare_.read<std::uint32_t>(0x8000), 1u);
  EXPECT_EQ(cpu_.gpr[Rax], 42u);
  EXPECT_EQ(cpu_.gpr[Rsp], BareCpu::kMemorySize / 2 - 16);
  EXPECT_EQ(bare_.read<std::uint64_t>(BareCpu::kMemorySize / 2 - 8), 40u);
  EXPECT_EQ(cpu_.rip, BareCpu::kCode + 19);
  EXPECT_NE(comparison_->report().find("1 blocks did the same"), std::string::npos);
}

TEST_F(BlockComparisonTest, ALoopRunsTurnByTurn) {
  // again: add [0x8000], ecx; dec ecx; jnz again; hlt
  bare_.load_code({0x01, 0x0c, 0x25, 0, 0x80, 0, 0, 0xff, 0xc9, 0x75, 0xf5, 0xf4});
  cpu_.gpr[Rcx] = 10;
  for (int turn = 0; turn < 9; ++turn) {
    EXPECT_EQ(comparison_->run(), Translator::Stop::Look);
    EXPECT_EQ(cpu_.rip, BareCpu::kCode);
  }
  EXPECT_EQ(comparison_->run(), Translator::Stop::Step);
  EXPECT_EQ(bare_.read<std::uint32_t>(0x8000), 55u);
  EXPECT_EQ(cpu_.rip, BareCpu::kCode + 11);
}

TEST_F(BlockComparisonTest, StopsInFrontOfWhatIsSteppedAnyway) {
  // mov eax, 5; cpuid
  bare_.load_code({0xb8, 5, 0, 0, 0, 0x0f, 0xa2});
  EXPECT_EQ(comparison_->run(), Translator::Stop::Step);
  EXPECT_EQ(cpu_.gpr[Rax], 5u);
  EXPECT_EQ(cpu_.rip, BareCpu::kCode + 5);
}

TEST_F(BlockComparisonTest, StopsInFrontOfAStoreToCode) {
  // mov eax, 7; mov [0x1003], al
  bare_.load_code({0xb8, 7, 0, 0, 0, 0x88, 0x04, 0x25, 3, 0x10, 0, 0});
  EXPECT_EQ(comparison_->run(), Translator::Stop::Step);
  EXPECT_EQ(cpu_.rip, BareCpu::kCode + 5);
  EXPECT_EQ(bare_.read<std::uint8_t>(0x1003), 0u);
}

TEST_F(BlockComparisonTest, WhatDoesNotRepeatIsNotCompared) {
  // rdrand eax; jmp +0
  bare_.load_code({0x0f, 0xc7, 0xf0, 0xeb, 0x00});
  (void)comparison_->run();
  EXPECT_NE(comparison_->report().find("0 blocks did the same"), std::string::npos);
}

}  // namespace
}  // namespace bh::vmm::soft
