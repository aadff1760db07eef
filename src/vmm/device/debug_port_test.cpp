#include "vmm/device/debug_port.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace bh::vmm {
namespace {

class DebugPortTest : public testing::Test {
 protected:
  void write(std::string_view text) {
    for (char const letter : text) port_.write(0, std::as_bytes(std::span(&letter, 1)));
  }

  std::vector<std::string> lines_;
  DebugPort port_{[this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(DebugPortTest, GivesLines) {
  write("one\ntwo\nthr");
  EXPECT_EQ(lines_, (std::vector<std::string>{"one", "two"}));
}

TEST_F(DebugPortTest, HidesControlBytes) {
  write("a\x1b[2J\r\xff\n");
  EXPECT_EQ(lines_, std::vector<std::string>{"a.[2J.."});
}

TEST_F(DebugPortTest, CutsLinesAtItsLimit) {
  write(std::string(DebugPort::kLineLimit + 1, 'x') + "\n");
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_EQ(lines_[0].size(), DebugPort::kLineLimit);
  EXPECT_EQ(lines_[1], "x");
}

TEST_F(DebugPortTest, ReadsAsItsNumber) {
  std::array<std::byte, 1> data{};
  port_.read(0, data);
  EXPECT_EQ(data[0], std::byte{0xe9});
}

TEST_F(DebugPortTest, RestoresWhatItSavedAndRefusesNonsense) {
  write("half a l");
  DebugPort other([this](std::string_view line) { lines_.emplace_back(line); });
  ASSERT_TRUE(other.restore(port_.save()));
  EXPECT_EQ(other.save(), port_.save());
  EXPECT_FALSE(other.restore({.line = std::string(DebugPort::kLineLimit, 'x')}));
  EXPECT_FALSE(other.restore({.line = "a\nb"}));
}

}  // namespace
}  // namespace bh::vmm
