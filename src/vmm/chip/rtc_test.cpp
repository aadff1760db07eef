#include "vmm/chip/rtc.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "vmm/chip/testing/fake_wall_clock.h"

namespace bh::vmm::chip {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kAfternoonOf2024 = 1'709'217'296;  // Thursday 2024-02-29 14:34:56 UTC

class RtcTest : public ::testing::Test {
 protected:
  RtcTest() { clock_.now = kAfternoonOf2024 * kSecond; }

  void out(std::uint64_t offset, std::uint8_t value) {
    std::array const data{std::byte{value}};
    rtc_.write(offset, data);
  }
  int cell(std::uint8_t index) {
    out(0, index);
    std::array<std::byte, 1> data{};
    rtc_.read(1, data);
    return std::to_integer<int>(data[0]);
  }
  void set_cell(std::uint8_t index, std::uint8_t value) {
    out(0, index);
    out(1, value);
  }
  std::vector<int> time() {
    std::vector<int> cells;
    for (int const index : {0x32, 9, 8, 7, 6, 4, 2, 0}) {
      cells.push_back(cell(static_cast<std::uint8_t>(index)));
    }
    return cells;
  }

  testing::FakeWallClock clock_;
  Rtc rtc_{clock_};
};

TEST_F(RtcTest, ShowsUtcInBcdAnd24HoursAtFirst) {
  EXPECT_EQ(time(), (std::vector{0x20, 0x24, 0x02, 0x29, 5, 0x14, 0x34, 0x56}));
}

TEST_F(RtcTest, ShowsBinaryWhenRegisterBSaysSo) {
  set_cell(0x0b, 0x06);
  EXPECT_EQ(time(), (std::vector{20, 24, 2, 29, 5, 14, 34, 56}));
}

TEST_F(RtcTest, ShowsHalvesOfTheDayWhenRegisterBSaysSo) {
  set_cell(0x0b, 0x00);
  std::uint64_t const midnight = 1'709'164'800;
  struct Case {
    unsigned hour;
    int shown;
  };
  for (auto [hour, shown] : {Case{0, 0x12}, {1, 0x01}, {11, 0x11}, {12, 0x92}, {23, 0x91}}) {
    clock_.now = (midnight + hour * std::uint64_t{3600}) * kSecond;
    EXPECT_EQ(cell(4), shown) << hour;
  }
}

TEST_F(RtcTest, AnnouncesAnUpdateOnlyJustBeforeTheSecondsChange) {
  EXPECT_EQ(cell(0x0a), 0x26);
  clock_.now += kSecond - 244'001;
  EXPECT_EQ(cell(0x0a), 0x26);
  clock_.now += 1;
  EXPECT_EQ(cell(0x0a), 0xa6);
  set_cell(0x0b, 0x82);
  EXPECT_EQ(cell(0x0a), 0x26);
}

TEST_F(RtcTest, CannotBeSet) {
  set_cell(4, 0x03);
  EXPECT_EQ(cell(4), 0x14);
}

TEST_F(RtcTest, KeepsOtherCellsAsMemory) {
  set_cell(0x0f, 0x0a);
  set_cell(0x7f, 0x55);
  EXPECT_EQ(cell(0x0f), 0x0a);
  EXPECT_EQ(cell(0xff), 0x55) << "bit 7 of the index is the NMI gate";
}

TEST_F(RtcTest, SaysThatItsBatteryIsGoodAndThatNothingInterrupted) {
  EXPECT_EQ(cell(0x0d), 0x80);
  EXPECT_EQ(cell(0x0c), 0x00);
}

TEST_F(RtcTest, IndexPortReadsAsAnEmptyBus) {
  std::array<std::byte, 1> data{};
  rtc_.read(0, data);
  EXPECT_EQ(data[0], std::byte{0xff});
}

TEST_F(RtcTest, WideWriteSetsIndexAndCell) {
  std::array const data{std::byte{0x40}, std::byte{0x77}};
  rtc_.write(0, data);
  EXPECT_EQ(cell(0x40), 0x77);
}

TEST(HostWallClockTest, IsPastTheDayThisWasWritten) {
  EXPECT_GT(HostWallClock().unix_nanoseconds() / kSecond, kAfternoonOf2024);
}

TEST_F(RtcTest, RestoresWhatItSavedAndRefusesNonsense) {
  set_cell(0x40, 0x77);
  auto state = rtc_.save();
  Rtc other(clock_);
  ASSERT_TRUE(other.restore(state));
  EXPECT_EQ(other.save(), state);
  state.index = 128;
  EXPECT_EQ(other.restore(state).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace bh::vmm::chip
