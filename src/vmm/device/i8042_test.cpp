#include "vmm/device/i8042.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bh::vmm {
namespace {

class I8042Test : public testing::Test {
 protected:
  std::uint8_t in(std::uint64_t port) {
    std::array<std::byte, 1> data{};
    device_.read(port - 0x60, data);
    return std::to_integer<std::uint8_t>(data[0]);
  }
  void out(std::uint64_t port, std::uint8_t value) {
    std::array const data{std::byte{value}};
    device_.write(port - 0x60, data);
  }
  /// All that waits in the output buffer.
  std::vector<int> drain() {
    std::vector<int> bytes;
    while ((in(0x64) & 1) != 0) bytes.push_back(in(0x60));
    return bytes;
  }

  int resets_ = 0;
  std::string edges_;
  I8042 device_{[this] { ++resets_; },
                [this](LineLevel level) { edges_ += level == LineLevel::High ? 'H' : 'L'; }};
};

TEST_F(I8042Test, ResetsOnThePulseCommandAndTheOutputPort) {
  out(0x64, 0xfe);
  EXPECT_EQ(resets_, 1);
  out(0x64, 0xd1);
  out(0x60, 0xfe);
  EXPECT_EQ(resets_, 2);
}

TEST_F(I8042Test, DoesNotResetWhenOtherLinesArePulsed) {
  out(0x64, 0xff);
  out(0x64, 0xd1);
  out(0x60, 0xdf);  // Switches the A20 gate.
  EXPECT_EQ(resets_, 0);
  out(0x64, 0xd0);
  EXPECT_EQ(drain(), std::vector{0xdf});
}

TEST_F(I8042Test, StartsEmptyAndUnlocked) {
  EXPECT_EQ(in(0x64), 0x14);
  EXPECT_EQ(drain(), std::vector<int>{});
}

TEST_F(I8042Test, KeepsItsControlByte) {
  out(0x64, 0x60);
  out(0x60, 0x74);
  EXPECT_EQ(in(0x64) & 0x08, 0);
  out(0x64, 0x20);
  EXPECT_EQ(in(0x64) & 0x08, 0x08);
  EXPECT_EQ(drain(), std::vector{0x74});
}

TEST_F(I8042Test, PassesItsSelfTests) {
  out(0x64, 0xaa);
  EXPECT_EQ(drain(), std::vector{0x55});
  out(0x64, 0xab);
  EXPECT_EQ(drain(), std::vector{0x00});
}

TEST_F(I8042Test, HasNoMouse) {
  out(0x64, 0xd3);
  out(0x60, 0x5a);
  EXPECT_EQ(in(0x64) & 0x20, 0);  // Not from the mouse.
  EXPECT_EQ(drain(), std::vector{0x5a});
  out(0x64, 0xa9);
  EXPECT_EQ(drain(), std::vector{0x01});
}

TEST_F(I8042Test, HasAKeyboardThatAnswers) {
  struct Case {
    std::vector<int> sent;
    std::vector<int> answer;
  };
  for (auto const& [sent, answer] : std::vector<Case>{{{0xff}, {0xfa, 0xaa}},
                                                      {{0xf2}, {0xfa, 0xab, 0x41}},
                                                      {{0xed, 0x02}, {0xfa, 0xfa}},
                                                      {{0xf3, 0xff}, {0xfa, 0xfa}},
                                                      {{0xee}, {0xee}},
                                                      {{0xf4}, {0xfa}}}) {
    for (int const byte : sent) out(0x60, static_cast<std::uint8_t>(byte));
    EXPECT_EQ(drain(), answer);
  }
}

TEST_F(I8042Test, GivesAnInterruptForEachByte) {
  out(0x60, 0xff);
  EXPECT_EQ(edges_, "H");
  in(0x60);
  EXPECT_EQ(edges_, "HLH");
  in(0x60);
  EXPECT_EQ(edges_, "HLHL");
}

TEST_F(I8042Test, GivesNoInterruptWhenTheyAreOff) {
  out(0x64, 0x60);
  out(0x60, 0x00);
  out(0x60, 0xff);
  EXPECT_EQ(edges_, "");
}

TEST_F(I8042Test, BoundsItsQueue) {
  for (int i = 0; i < 100; ++i) out(0x64, 0xaa);
  EXPECT_EQ(drain().size(), I8042State::kQueueLimit);
}

TEST_F(I8042Test, TypesCtrlAltDelete) {
  ASSERT_TRUE(device_.press_ctrl_alt_delete());
  EXPECT_EQ(drain(), (std::vector{0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d}));
}

TEST_F(I8042Test, RefusesKeysWhenTheGuestCannotTakeThem) {
  ASSERT_TRUE(device_.press_ctrl_alt_delete());
  ASSERT_TRUE(device_.press_ctrl_alt_delete());
  EXPECT_EQ(device_.press_ctrl_alt_delete().error().code, Errc::Busy);
  drain();
  out(0x64, 0xad);
  EXPECT_EQ(device_.press_ctrl_alt_delete().error().code, Errc::Busy);
}

TEST_F(I8042Test, IgnoresWideAccesses) {
  std::array<std::byte, 2> data{std::byte{0xfe}, std::byte{0xfe}};
  device_.write(4, data);
  EXPECT_EQ(resets_, 0);
  device_.read(4, data);
  EXPECT_EQ(data[0], std::byte{0xff});
}

TEST_F(I8042Test, RestoresWhatItSavedAndRefusesNonsense) {
  out(0x60, 0xff);
  auto state = device_.save();
  I8042 other([] {}, [](LineLevel) {});
  ASSERT_TRUE(other.restore(state));
  EXPECT_EQ(other.save(), state);
  state.queued = I8042State::kQueueLimit + 1;
  EXPECT_EQ(other.restore(state).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace bh::vmm
