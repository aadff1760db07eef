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
  LineLevel sci_ = LineLevel::Low;
  AcpiPower device_{[this] { ++power_offs_; }, [this](LineLevel level) { sci_ = level; }};
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
  AcpiPower other([] {}, [](LineLevel) {});
  ASSERT_TRUE(other.restore(device_.save()));
  EXPECT_EQ(other.save(), device_.save());
  EXPECT_FALSE(other.restore({.control = 1 << 13}));
  EXPECT_FALSE(other.restore({.status = 1}));
}

TEST_F(AcpiPowerTest, InterruptsForItsButtonUntilThatIsAcknowledged) {
  EXPECT_FALSE(device_.press_power_button()) << "nobody listens";
  EXPECT_EQ(in(0), 0u);
  out(2, 0x0100);
  EXPECT_TRUE(device_.press_power_button());
  EXPECT_EQ(sci_, LineLevel::High);
  EXPECT_EQ(in(0), 0x0100u);
  out(0, 0x0001);
  EXPECT_EQ(sci_, LineLevel::High) << "another event was cleared";
  out(0, 0x0100);
  EXPECT_EQ(sci_, LineLevel::Low);
  EXPECT_EQ(in(0), 0u);
}

}  // namespace
}  // namespace bh::vmm
