#include "vmm/device/power_management.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace bh::vmm {
namespace {

class PowerManagementTest : public testing::Test {
 protected:
  void write(std::uint64_t offset, std::vector<std::uint8_t> const& bytes) {
    device_.write(offset, std::as_bytes(std::span(bytes)));
  }

  std::uint16_t read(std::uint64_t offset) {
    std::array<std::uint8_t, 2> bytes{};
    device_.read(offset, std::as_writable_bytes(std::span(bytes)));
    return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8);
  }

  int power_offs_ = 0;
  PowerManagement device_{[this] { ++power_offs_; }};
};

TEST_F(PowerManagementTest, PowersOffAtTheSoftOffTypeWithTheEnableBit) {
  write(4, {0x00, 0x34});
  EXPECT_EQ(power_offs_, 1);
}

TEST_F(PowerManagementTest, KeepsRunningAtTheTypeAloneAndAtOtherTypes) {
  write(4, {0x00, 0x14});
  write(4, {0x00, 0x20});
  write(4, {0x00, 0x2c});
  EXPECT_EQ(power_offs_, 0);
}

TEST_F(PowerManagementTest, IgnoresAPowerOffCutInBytes) {
  write(4, {0x00});
  write(5, {0x34});
  EXPECT_EQ(power_offs_, 0);
}

TEST_F(PowerManagementTest, ReportsNoEventAndKeepsWhatIsEnabled) {
  write(0, {0xff, 0xff});
  write(2, {0x20, 0x04});
  EXPECT_EQ(read(0), 0);
  EXPECT_EQ(read(2), 0x0420);
  write(0, {0xff, 0xff, 0x01, 0x00});
  EXPECT_EQ(read(2), 0x0001);
}

TEST_F(PowerManagementTest, SaysThatAcpiIsOnAndNeverReadsTheEnableBit) {
  EXPECT_EQ(read(4), 0x0001);
  write(4, {0x00, 0x34});
  EXPECT_EQ(read(4), 0x1401);
}

TEST_F(PowerManagementTest, ReadsAsNothingBeyondItsRegisters) {
  EXPECT_EQ(read(6), 0);
  std::array<std::byte, 8> bytes{};
  device_.read(0, bytes);
  EXPECT_EQ(bytes[4], std::byte{1});
  EXPECT_EQ(bytes[6], std::byte{0});
}

TEST_F(PowerManagementTest, RestoresWhatItSaved) {
  write(2, {0x20, 0x04});
  PowerManagement other([] {});
  other.restore(device_.save());
  EXPECT_EQ(other.save(), device_.save());
}

}  // namespace
}  // namespace bh::vmm
