#include <gtest/gtest.h>

#include <cstring>

#include "vmm/soft/system/testing/system_cpu.h"

namespace bh::vmm::soft {
namespace {

class PortIoTest : public testing::Test {
 protected:
  /// Runs `code`, answering reads with `answers` in turn, until it is through.
  void run_through(std::vector<std::uint8_t> const& code, std::vector<std::uint32_t> answers = {}) {
    machine_.load_code(code);
    auto next = answers.begin();
    while (cpu_.rip != SystemCpu::kCode + code.size()) {
      cpu_.replay.rewind();
      auto const flow = machine_.step();
      if (flow == Flow::Exit) {
        if (auto const* const read = std::get_if<PortRead>(&cpu_.exit)) {
          ASSERT_NE(next, answers.end());
          std::memcpy(read->data.data(), &*next++, read->data.size());
          reads_.push_back(read->port);
        } else if (auto const* const write = std::get_if<PortWrite>(&cpu_.exit)) {
          std::uint32_t value = 0;
          std::memcpy(&value, write->data.data(), write->data.size());
          writes_.emplace_back(write->port, value);
        }
        continue;
      }
      ASSERT_TRUE(flow == Flow::Next || flow == Flow::Leave);
      cpu_.replay.clear();
    }
    EXPECT_EQ(next, answers.end());
  }

  SystemCpu machine_ = SystemCpu::long_mode();
  Cpu& cpu_ = machine_.cpu();
  std::vector<std::uint16_t> reads_;
  std::vector<std::pair<std::uint16_t, std::uint32_t>> writes_;
};

TEST_F(PortIoTest, ReadsIntoThePartOfRaxTheWidthNames) {
  cpu_.gpr[Rax] = 0x1122'3344'5566'7788;
  cpu_.gpr[Rdx] = 0xffff'03f8;
  run_through({0xec}, {0xab});  // in %dx, %al
  EXPECT_EQ(cpu_.gpr[Rax], 0x1122'3344'5566'77abu);
  run_through({0x66, 0xe5, 0x40}, {0x1234});  // in $0x40, %ax
  EXPECT_EQ(cpu_.gpr[Rax], 0x1122'3344'5566'1234u);
  run_through({0xed}, {0x8765'4321});  // in %dx, %eax
  EXPECT_EQ(cpu_.gpr[Rax], 0x8765'4321u);
  EXPECT_EQ(reads_, (std::vector<std::uint16_t>{0x3f8, 0x40, 0x3f8}));
}

TEST_F(PortIoTest, WritesOnce) {
  cpu_.gpr[Rax] = 0x1234'5678;
  cpu_.gpr[Rdx] = 0xcf8;
  run_through({0xef});        // out %eax, %dx
  run_through({0xe6, 0x80});  // out %al, $0x80
  EXPECT_EQ(writes_, (std::vector<std::pair<std::uint16_t, std::uint32_t>>{{0xcf8, 0x1234'5678},
                                                                           {0x80, 0x78}}));
}

TEST_F(PortIoTest, RepeatsInsWordByWord) {
  cpu_.gpr[Rcx] = 3;
  cpu_.gpr[Rdi] = 0x9000;
  cpu_.gpr[Rdx] = 0x1f0;
  run_through({0xf3, 0x66, 0x6d}, {0x1111, 0x2222, 0x3333});
  EXPECT_EQ(machine_.read<std::uint64_t>(0x9000), 0x3333'2222'1111u);
  EXPECT_EQ(cpu_.gpr[Rcx], 0u);
  EXPECT_EQ(cpu_.gpr[Rdi], 0x9006u);
}

TEST_F(PortIoTest, RepeatsOutsDownwardsWithTheDirectionFlag) {
  cpu_.gpr[Rcx] = 2;
  cpu_.gpr[Rsi] = 0x9001;
  cpu_.gpr[Rdx] = 0x3f8;
  cpu_.system_flags |= kFlagDf;
  machine_.write<std::uint16_t>(0x9000, 0x4142);
  run_through({0xf3, 0x6e});
  EXPECT_EQ(writes_,
            (std::vector<std::pair<std::uint16_t, std::uint32_t>>{{0x3f8, 0x41}, {0x3f8, 0x42}}));
  EXPECT_EQ(cpu_.gpr[Rsi], 0x8fffu);
}

TEST_F(PortIoTest, DoesNothingForACountOfZero) {
  cpu_.gpr[Rcx] = 0;
  run_through({0xf3, 0x6c});
  EXPECT_TRUE(reads_.empty());
}

TEST_F(PortIoTest, FaultsBeforeItReadsTheDevice) {
  cpu_.gpr[Rdi] = 0x4000'0000;  // Not mapped.
  machine_.load_code({0x6c});
  ASSERT_EQ(machine_.step(), Flow::Fault);
  EXPECT_EQ(cpu_.exception.vector, kPageFault);
}

TEST_F(PortIoTest, AsksThePermissionBitmapForUserCode) {
  machine_.enter_user();
  cpu_.tr.limit = 0x68 + 0x80;
  machine_.write<std::uint8_t>(SystemCpu::kTss + 0x68 + 0x60 / 8, 0x10);  // Port 0x64 is denied.
  cpu_.gpr[Rdx] = 0x60;
  run_through({0xec}, {1});
  cpu_.gpr[Rdx] = 0x64;
  EXPECT_EQ(machine_.run({0xec}), Flow::Fault);
  cpu_.gpr[Rdx] = 0x61;
  EXPECT_EQ(machine_.run({0xed}), Flow::Fault);  // Covers 0x61 to 0x64.
  cpu_.gpr[Rdx] = 0x400;                         // Beyond the bitmap.
  EXPECT_EQ(machine_.run({0xec}), Flow::Fault);
  EXPECT_EQ(cpu_.exception.vector, kGeneralProtection);
}

}  // namespace
}  // namespace bh::vmm::soft
