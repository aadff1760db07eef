#include "vmm/chip/pic.h"

#include <gtest/gtest.h>

namespace bh::vmm::chip {
namespace {

constexpr std::uint16_t kMaster = 0x20;
constexpr std::uint16_t kSlave = 0xa0;
constexpr std::uint8_t kNonspecificEoi = 0x20;
constexpr std::uint8_t kReadRequests = 0x0a;
constexpr std::uint8_t kReadInService = 0x0b;

class PicTest : public ::testing::Test {
 protected:
  PicTest() { initialize(0x01); }

  void initialize(std::uint8_t icw4) {
    for (auto [chip, base] : {std::pair{kMaster, 0x30}, {kSlave, 0x38}}) {
      pic_.write(chip, 0x11);
      pic_.write(chip + 1, static_cast<std::uint8_t>(base));
      pic_.write(chip + 1, chip == kMaster ? 4 : 2);
      pic_.write(chip + 1, icw4);
    }
  }
  void raise(unsigned irq) { pic_.set_line(irq, LineLevel::High); }
  void lower(unsigned irq) { pic_.set_line(irq, LineLevel::Low); }
  void pulse(unsigned irq) {
    raise(irq);
    lower(irq);
  }
  int requests(std::uint16_t chip) {
    pic_.write(chip, kReadRequests);
    return pic_.read(chip);
  }
  int in_service(std::uint16_t chip) {
    pic_.write(chip, kReadInService);
    return pic_.read(chip);
  }

  Pic pic_;
};

TEST_F(PicTest, StartsMasked) {
  Pic fresh;
  fresh.set_line(1, LineLevel::High);
  EXPECT_FALSE(fresh.output());
  EXPECT_EQ(fresh.read(0x21), 0xff);
}

TEST_F(PicTest, DeliversTheLowestNumberFirst) {
  pulse(5);
  pulse(1);
  EXPECT_EQ(pic_.acknowledge(), 0x31);
  EXPECT_FALSE(pic_.output());
  pic_.write(kMaster, kNonspecificEoi);
  EXPECT_EQ(pic_.acknowledge(), 0x35);
}

TEST_F(PicTest, MoreUrgentInputInterruptsOneInService) {
  pulse(5);
  EXPECT_EQ(pic_.acknowledge(), 0x35);
  pulse(6);
  EXPECT_FALSE(pic_.output());
  pulse(3);
  EXPECT_EQ(pic_.acknowledge(), 0x33);
  EXPECT_EQ(in_service(kMaster), 0x28);
  pic_.write(kMaster, kNonspecificEoi);
  EXPECT_EQ(in_service(kMaster), 0x20);
}

TEST_F(PicTest, SlaveComesThroughTheCascade) {
  pulse(12);
  EXPECT_EQ(requests(kMaster), 0x04);
  EXPECT_EQ(requests(kSlave), 0x10);
  EXPECT_EQ(pic_.acknowledge(), 0x3c);
  EXPECT_EQ(in_service(kMaster), 0x04);
  EXPECT_EQ(in_service(kSlave), 0x10);
  pic_.write(kSlave, kNonspecificEoi);
  pic_.write(kMaster, kNonspecificEoi);
  EXPECT_EQ(in_service(kMaster) | in_service(kSlave), 0);
}

TEST_F(PicTest, MaskHoldsBackButRemembersAnEdge) {
  pic_.write(kMaster + 1, 0x02);
  pulse(1);
  EXPECT_FALSE(pic_.output());
  EXPECT_FALSE(pic_.unmasked(1));
  pic_.write(kMaster + 1, 0x00);
  EXPECT_TRUE(pic_.unmasked(1));
  EXPECT_EQ(pic_.acknowledge(), 0x31);
}

TEST_F(PicTest, SlaveInputIsMaskedByTheCascadeToo) {
  pic_.write(kMaster + 1, 0x04);
  EXPECT_FALSE(pic_.unmasked(8));
  raise(8);
  EXPECT_FALSE(pic_.output());
}

TEST_F(PicTest, EdgeTriggeredInputInterruptsOnceHoweverLongItIsHigh) {
  raise(1);
  EXPECT_EQ(pic_.acknowledge(), 0x31);
  pic_.write(kMaster, kNonspecificEoi);
  raise(1);
  EXPECT_FALSE(pic_.output());
  lower(1);
  raise(1);
  EXPECT_TRUE(pic_.output());
}

TEST_F(PicTest, LevelTriggeredInputInterruptsAgainUntilItIsLow) {
  pic_.write(0x4d1, 0x0c);
  raise(10);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(pic_.acknowledge(), 0x3a);
    EXPECT_FALSE(pic_.output());
    pic_.write(kSlave, kNonspecificEoi);
    pic_.write(kMaster, kNonspecificEoi);
    EXPECT_TRUE(pic_.output());
  }
  lower(10);
  EXPECT_FALSE(pic_.output());
}

TEST_F(PicTest, TimerKeyboardCascadeClockAndFpuCannotBeLevelTriggered) {
  pic_.write(0x4d0, 0xff);
  pic_.write(0x4d1, 0xff);
  EXPECT_EQ(pic_.read(0x4d0), 0xf8);
  EXPECT_EQ(pic_.read(0x4d1), 0xde);
}

TEST_F(PicTest, InterruptThatVanishedIsSpurious7WithoutService) {
  EXPECT_EQ(pic_.acknowledge(), 0x37);
  EXPECT_EQ(in_service(kMaster), 0);
}

TEST_F(PicTest, InterruptThatVanishedBehindTheCascadeIsSpurious7Too) {
  raise(9);
  pic_.write(kSlave + 1, 0xff);
  EXPECT_FALSE(pic_.output());
  EXPECT_EQ(pic_.acknowledge(), 0x37);
}

TEST_F(PicTest, SpecificEoiEndsThatInputOnly) {
  pulse(5);
  pic_.acknowledge();
  pulse(3);
  pic_.acknowledge();
  pic_.write(kMaster, 0x65);
  EXPECT_EQ(in_service(kMaster), 0x08);
}

TEST_F(PicTest, AutoEoiLeavesNothingInService) {
  initialize(0x03);
  pulse(4);
  EXPECT_EQ(pic_.acknowledge(), 0x34);
  EXPECT_EQ(in_service(kMaster), 0);
}

TEST_F(PicTest, RotationPutsTheServedInputLast) {
  struct Case {
    char const* how;
    std::uint8_t icw4;
    std::uint8_t before;
    std::uint8_t after;
  };
  for (auto const& [how, icw4, before, after] :
       {Case{"on non-specific EOI", 0x01, 0x40, 0xa0}, Case{"on specific EOI", 0x01, 0x40, 0xe3},
        Case{"on automatic EOI", 0x03, 0x80, 0x40}, Case{"by set priority", 0x03, 0xc3, 0x40}}) {
    initialize(icw4);
    pic_.write(kMaster, before);
    pulse(3);
    EXPECT_EQ(pic_.acknowledge(), 0x33) << how;
    pic_.write(kMaster, after);
    pulse(3);
    pulse(4);
    EXPECT_EQ(pic_.acknowledge(), 0x34) << how;
  }
}

TEST_F(PicTest, SpecialMaskLetsLessUrgentInputsIn) {
  pulse(1);
  pic_.acknowledge();
  pic_.write(kMaster + 1, 0x02);
  pulse(6);
  EXPECT_FALSE(pic_.output());
  pic_.write(kMaster, 0x68);
  EXPECT_EQ(pic_.acknowledge(), 0x36);
  pic_.write(kMaster, 0x48);
  pulse(4);
  EXPECT_FALSE(pic_.output());
}

TEST_F(PicTest, SpecialFullyNestedModeLetsTheSlaveNest) {
  initialize(0x11);
  pulse(12);
  pic_.acknowledge();
  pulse(9);
  EXPECT_EQ(pic_.acknowledge(), 0x39);
  initialize(0x01);
  pulse(12);
  pic_.acknowledge();
  pulse(9);
  EXPECT_FALSE(pic_.output());
}

TEST_F(PicTest, PollAcknowledgesWithoutInterrupt) {
  pic_.write(kMaster, 0x0c);
  EXPECT_EQ(pic_.read(kMaster), 0);
  pulse(6);
  pic_.write(kMaster, 0x0c);
  EXPECT_EQ(pic_.read(kMaster), 0x86);
  EXPECT_EQ(in_service(kMaster), 0x40);
}

TEST_F(PicTest, InitializationForgetsEdgesMaskAndService) {
  pulse(1);
  pic_.acknowledge();
  pulse(3);
  pic_.write(kMaster + 1, 0x55);
  initialize(0x01);
  EXPECT_EQ(requests(kMaster), 0);
  EXPECT_EQ(in_service(kMaster), 0);
  EXPECT_EQ(pic_.read(kMaster + 1), 0);
}

TEST_F(PicTest, SingleAndShortInitializationSkipTheirWords) {
  pic_.write(kMaster, 0x12);
  pic_.write(kMaster + 1, 0x47);
  pic_.write(kMaster + 1, 0xf0);
  EXPECT_EQ(pic_.read(kMaster + 1), 0xf0);
  pulse(1);
  EXPECT_EQ(pic_.acknowledge(), 0x41);
}

TEST_F(PicTest, RestoresWhatItSavedAndRefusesNonsense) {
  pulse(12);
  auto const state = pic_.save();
  Pic other;
  ASSERT_TRUE(other.restore(state));
  EXPECT_EQ(other.save(), state);
  EXPECT_EQ(other.acknowledge(), 0x3c);
  auto broken = state;
  for (auto* field : {&broken.chips[0].first_priority, &broken.chips[1].next_icw,
                      &broken.chips[1].level_triggered, &broken.chips[0].vector_base}) {
    auto const kept = std::exchange(*field, 0xff);
    EXPECT_EQ(other.restore(broken).error().code, Errc::Corrupt);
    *field = kept;
  }
}

}  // namespace
}  // namespace bh::vmm::chip
