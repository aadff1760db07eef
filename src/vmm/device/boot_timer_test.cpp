#include "vmm/device/boot_timer.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace bh::vmm {
namespace {

using std::chrono::microseconds;

class BootTimerTest : public testing::Test {
 protected:
  void write(std::vector<std::uint8_t> const& bytes) {
    timer_.write(0, std::as_bytes(std::span(bytes)));
  }

  std::vector<std::string> lines_;
  BootTimer timer_{[] { return BootTime{microseconds(123456), microseconds(7890)}; },
                   [this](BootTime time) { lines_.push_back(format_boot_time(time)); }};
};

TEST_F(BootTimerTest, ReportsTheFirstMagicByteOnly) {
  write({123});
  write({123});
  EXPECT_EQ(lines_,
            std::vector<std::string>{"Guest-boot-time = 123456 us 123 ms,   7890 CPU us 7 CPU ms"});
}

TEST_F(BootTimerTest, IgnoresOtherBytesAndWidths) {
  write({122});
  write({});
  write({123, 0});
  EXPECT_TRUE(lines_.empty());
}

TEST_F(BootTimerTest, StaysBootedWhenRestored) {
  timer_.restore({.booted = true});
  write({123});
  EXPECT_TRUE(lines_.empty());
}

TEST_F(BootTimerTest, ReadsAsAnEmptyBus) {
  std::array<std::byte, 4> data{};
  timer_.read(0, data);
  EXPECT_EQ(data[3], std::byte{0xff});
}

}  // namespace
}  // namespace bh::vmm
