#include "vmm/device/acpi_power.h"

#include <gtest/gtest.h>

#include <array>

#include "base/bytes.h"

namespace bh::vmm {
namespace {

class AcpiPowerTest : public testing::Test {
 protected:
  std::uint64_t in(std::uint64_t offset) {
    std::array<std::byte, 2> data{};
    device_.read(offset, data);
    return load_little_endian(data);
  }
  void out(std::uint64_t offset, std::uint16_t value) {
    std::array<std::byte, 2> data{};
    store_little_endian(data, value);
    device_.write(offset, data);
  }

  int power_offs_ = 0;
  AcpiPower device_{[this] { ++power_offs_; }};
};

TEST_F(AcpiPowerTest, PowersOffWhenStateS5IsEntered) {
  out(4, 5 << 10 | 1);
  EXPECT_EQ(power_offs_, 0);
  out(4, 5 << 10 | 1 << 13 | 1);
  EXPECT_EQ(power_offs_, 1);
}

TEST_F(AcpiPowerTest, KnowsNoOtherSleepState) {
  for (std::uint16_t const type : {0, 1, 2, 3, 4, 6, 7}) out(4, type << 10 | 1 << 13);
  EXPECT_EQ(power_offs_, 0);
}

TEST_F(AcpiPowerTest, IsInAcpiModeWithoutEvents) {
  EXPECT_EQ(in(4), 1u);
  out(0, 0xffff);
  EXPECT_EQ(in(0), 0u);
  out(2, 0x0120);
  EXPECT_EQ(in(2), 0x0120u);
}

TEST_F(AcpiPowerTest, AnswersWholeRegistersOnly) {
  std::array<std::byte, 1> data{};
  device_.read(4, data);
  EXPECT_EQ(data[0], std::byte{0xff});
  EXPECT_EQ(in(3), 0xffffu);
}

TEST_F(AcpiPowerTest, RestoresWhatItSavedAndRefusesNonsense) {
  out(2, 0x0100);
  out(4, 5 << 10);
  AcpiPower other([] {});
  ASSERT_TRUE(other.restore(device_.save()));
  EXPECT_EQ(other.save(), device_.save());
  EXPECT_FALSE(other.restore({.control = 1 << 13}));
}

}  // namespace
}  // namespace bh::vmm
