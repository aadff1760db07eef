#include "vmm/chip/chip_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/chip/testing/chip_set_rig.h"

namespace bh::vmm::chip {
namespace {

using testing::ChipSetRig;
using ::testing::ElementsAre;
using ::testing::Optional;

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kLevelTriggered = 1U << 15;

// What a kernel does to the PICs: vectors 0x20 and 0x28, all masked.
void set_up_pics(ChipSetRig& rig) {
  for (auto [port, base, cascade] : {std::array{0x20, 0x20, 4}, std::array{0xa0, 0x28, 2}}) {
    auto const command = static_cast<std::uint16_t>(port);
    rig.out(command, 0x11);
    rig.out(command + 1, static_cast<std::uint8_t>(base));
    rig.out(command + 1, static_cast<std::uint8_t>(cascade));
    rig.out(command + 1, 1);
    rig.out(command + 1, 0xff);
  }
}

// Channel 0 at about 1 kHz in mode 2.
void start_ticks(ChipSetRig& rig) {
  rig.out(0x43, 0x34);
  rig.out(0x40, 1193 & 0xff);
  rig.out(0x40, 1193 >> 8);
}

TEST(ChipSetTest, PicInterruptsReachTheBootProcessorBeforeItTouchesItsApic) {
  ChipSetRig rig(2);
  set_up_pics(rig);
  rig.out(0x21, 0xef);
  rig.chips.set_line(4, LineLevel::High);
  EXPECT_TRUE(rig.chips.interrupt_pending(0));
  EXPECT_FALSE(rig.chips.interrupt_pending(1));
  EXPECT_EQ(rig.listener.wakes[0], 1);
  EXPECT_THAT(rig.chips.acknowledge(0), Optional(0x24));
  EXPECT_FALSE(rig.chips.interrupt_pending(0));
}

TEST(ChipSetTest, PicInterruptsReachTheBootProcessorWhoseApicIsOff) {
  ChipSetRig rig;
  set_up_pics(rig);
  rig.out(0x21, 0xef);
  ASSERT_TRUE(rig.chips.msr_write(0, apic::kBaseMsr, 0xfee0'0100));
  rig.chips.set_line(4, LineLevel::High);
  EXPECT_THAT(rig.chips.acknowledge(0), Optional(0x24));
}

TEST(ChipSetTest, MaskedLint0KeepsPicInterruptsAway) {
  ChipSetRig rig;
  set_up_pics(rig);
  rig.out(0x21, 0xef);
  rig.enable_apic(0);
  rig.write_apic(0, 0x350, 0x10700);
  rig.chips.set_line(4, LineLevel::High);
  EXPECT_FALSE(rig.chips.interrupt_pending(0));
  rig.write_apic(0, 0x350, 0x700);
  EXPECT_TRUE(rig.chips.interrupt_pending(0));
}

TEST(ChipSetTest, Lint0SetToFixedTurnsThePicsOutputIntoItsVector) {
  ChipSetRig rig;
  set_up_pics(rig);
  rig.out(0x21, 0xef);
  rig.enable_apic(0);
  rig.write_apic(0, 0x350, 0x31);
  rig.chips.set_line(4, LineLevel::High);
  EXPECT_THAT(rig.chips.acknowledge(0), Optional(0x31));
}

TEST(ChipSetTest, Lint0SetToNmiTurnsThePicsOutputIntoAnNmi) {
  ChipSetRig rig;
  set_up_pics(rig);
  rig.out(0x21, 0xef);
  rig.enable_apic(0);
  rig.write_apic(0, 0x350, 0x400);
  rig.chips.set_line(4, LineLevel::High);
  EXPECT_EQ(rig.chips.attention(0), ChipSet::kNmi);
}

TEST(ChipSetTest, PitTicksArriveThroughIoApicPin2) {
  ChipSetRig rig;
  rig.enable_apic(0);
  rig.route(2, 0x30);
  start_ticks(rig);
  unsigned ticks = 0;
  for (int i = 0; i < 100; ++i) {
    rig.pass(kMillisecond);
    while (auto const vector = rig.chips.acknowledge(0)) {
      EXPECT_EQ(vector, 0x30);
      ++ticks;
      rig.end_interrupt(0);
    }
  }
  EXPECT_EQ(ticks, 100);
}

TEST(ChipSetTest, PitTicksArriveThroughThePicInVirtualWireMode) {
  ChipSetRig rig;
  set_up_pics(rig);
  rig.out(0x21, 0xfe);
  start_ticks(rig);
  for (int i = 0; i < 10; ++i) {
    rig.pass(kMillisecond);
    EXPECT_THAT(rig.chips.acknowledge(0), Optional(0x20));
    rig.out(0x20, 0x20);
  }
}

TEST(ChipSetTest, PitThatNobodyHearsArmsNoDeadline) {
  ChipSetRig rig;
  set_up_pics(rig);
  start_ticks(rig);
  EXPECT_EQ(rig.chips.next_deadline(), std::nullopt);
  rig.enable_apic(0);
  EXPECT_EQ(rig.chips.next_deadline(), std::nullopt);
  rig.route(2, 0x30);
  EXPECT_TRUE(rig.chips.next_deadline().has_value());
  rig.route(2, 0x10030);
  EXPECT_EQ(rig.chips.next_deadline(), std::nullopt);
}

TEST(ChipSetTest, PitEdgesThatPassedWhileThePinWasMaskedAreLost) {
  ChipSetRig rig;
  rig.enable_apic(0);
  start_ticks(rig);
  rig.clock.pass(10 * kMillisecond);
  rig.route(2, 0x30);
  rig.chips.advance();
  EXPECT_FALSE(rig.chips.interrupt_pending(0));
  rig.pass(kMillisecond);
  EXPECT_TRUE(rig.chips.interrupt_pending(0));
}

TEST(ChipSetTest, LevelTriggeredLineInterruptsAgainAfterEoiWhileHigh) {
  ChipSetRig rig;
  rig.enable_apic(0);
  rig.route(10, kLevelTriggered | 0x40);
  rig.chips.set_line(10, LineLevel::High);
  EXPECT_THAT(rig.chips.acknowledge(0), Optional(0x40));
  EXPECT_FALSE(rig.chips.interrupt_pending(0));
  rig.end_interrupt(0);
  EXPECT_THAT(rig.chips.acknowledge(0), Optional(0x40));
  rig.chips.set_line(10, LineLevel::Low);
  rig.end_interrupt(0);
  EXPECT_FALSE(rig.chips.interrupt_pending(0));
}

TEST(ChipSetTest, WakesOnlyForAttentionThatIsNew) {
  ChipSetRig rig;
  rig.enable_apic(0);
  rig.route(10, 0x40);
  rig.route(11, 0x51);
  rig.chips.set_line(10, LineLevel::High);
  rig.chips.set_line(11, LineLevel::High);
  EXPECT_EQ(rig.listener.wakes[0], 1);
  EXPECT_THAT(rig.chips.acknowledge(0), Optional(0x51));
  rig.end_interrupt(0);
  EXPECT_EQ(rig.listener.wakes[0], 2);
}

TEST(ChipSetTest, TaskPriorityHoldsInterruptsOfItsClassBack) {
  ChipSetRig rig;
  rig.enable_apic(0);
  rig.route(10, 0x4f);
  rig.chips.set_task_priority(0, 4);
  rig.chips.set_line(10, LineLevel::High);
  EXPECT_FALSE(rig.chips.interrupt_pending(0));
  EXPECT_EQ(rig.chips.acknowledge(0), std::nullopt);
  EXPECT_EQ(rig.chips.task_priority(0), 4);
  rig.chips.set_task_priority(0, 3);
  EXPECT_TRUE(rig.chips.interrupt_pending(0));
}

TEST(ChipSetTest, BootProcessorStartsAnotherWithInitAndTwoSipis) {
  ChipSetRig rig(2);
  rig.write_apic(0, 0x310, 1U << 24);
  rig.write_apic(0, 0x300, 0xc500);
  EXPECT_EQ(rig.chips.attention(1), ChipSet::kStartUp);
  EXPECT_THAT(rig.chips.take_start_up(1), Optional(StartUp{StartUp::Kind::Init, 0}));
  rig.write_apic(0, 0x300, 0x8500);
  EXPECT_EQ(rig.chips.attention(1), 0);
  for (int i = 0; i < 2; ++i) {
    rig.write_apic(0, 0x300, 0x0069a);
    EXPECT_THAT(rig.chips.take_start_up(1), Optional(StartUp{StartUp::Kind::Sipi, 0x9a}));
  }
  EXPECT_EQ(rig.chips.take_start_up(1), std::nullopt);
  EXPECT_EQ(rig.chips.attention(0), 0);
}

TEST(ChipSetTest, InitIsTakenBeforeTheSipiThatFollowedIt) {
  ChipSetRig rig(2);
  rig.write_apic(0, 0x310, 1U << 24);
  rig.write_apic(0, 0x300, 0x4611);
  rig.write_apic(0, 0x300, 0xc500);
  rig.write_apic(0, 0x300, 0x4608);
  EXPECT_THAT(rig.chips.take_start_up(1), Optional(StartUp{StartUp::Kind::Init, 0}));
  EXPECT_THAT(rig.chips.take_start_up(1), Optional(StartUp{StartUp::Kind::Sipi, 0x08}));
  EXPECT_EQ(rig.chips.take_start_up(1), std::nullopt);
}

TEST(ChipSetTest, NmiIsTakenOnce) {
  ChipSetRig rig(2);
  rig.write_apic(0, 0x310, 1U << 24);
  rig.write_apic(0, 0x300, 0x4400);
  EXPECT_EQ(rig.chips.attention(1), ChipSet::kNmi);
  EXPECT_TRUE(rig.chips.take_nmi(1));
  EXPECT_FALSE(rig.chips.take_nmi(1));
}

TEST(ChipSetTest, WidePortAccessesReachNeighbouringPorts) {
  ChipSetRig rig;
  std::array const levels{std::byte{0x20}, std::byte{0x0c}};
  rig.chips.port_write(0x4d0, levels);
  EXPECT_EQ(rig.in(0x4d0), 0x20);
  EXPECT_EQ(rig.in(0x4d1), 0x0c);
  std::array<std::byte, 2> read{};
  rig.chips.port_read(0x4d0, read);
  EXPECT_EQ(read, levels);
}

TEST(ChipSetTest, OwnsItsPortsAddressesAndMsrsAndNoOthers) {
  for (int const port : {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x43, 0x61}) {
    EXPECT_TRUE(ChipSet::owns_port(static_cast<std::uint16_t>(port))) << port;
  }
  for (int const port : {0x1f, 0x22, 0x3f, 0x44, 0x60, 0x62, 0x70, 0x4cf, 0x4d2}) {
    EXPECT_FALSE(ChipSet::owns_port(static_cast<std::uint16_t>(port))) << port;
  }
  EXPECT_TRUE(ChipSet::owns_address({0xfec0'0000}));
  EXPECT_TRUE(ChipSet::owns_address({0xfee0'0fff}));
  EXPECT_FALSE(ChipSet::owns_address({0xfee0'1000}));
  EXPECT_FALSE(ChipSet::owns_address({0xfebf'ffff}));
  EXPECT_TRUE(ChipSet::owns_msr(0x1b));
  EXPECT_TRUE(ChipSet::owns_msr(0x6e0));
  EXPECT_TRUE(ChipSet::owns_msr(0x83f));
  EXPECT_FALSE(ChipSet::owns_msr(0x10));
}

TEST(ChipSetTest, TellsOfANewDeadlineOnceAndOfItsEnd) {
  ChipSetRig rig;
  rig.enable_apic(0);
  rig.write_apic(0, 0x320, 0xec);
  EXPECT_EQ(rig.listener.timer_changes, 0);
  rig.write_apic(0, 0x3e0, 0xb);
  rig.write_apic(0, 0x380, 1000);
  EXPECT_EQ(rig.listener.timer_changes, 1);
  EXPECT_THAT(rig.chips.next_deadline(), Optional(rig.clock.now() + 1000));
  rig.pass(1000);
  EXPECT_EQ(rig.listener.timer_changes, 2);
  EXPECT_EQ(rig.chips.next_deadline(), std::nullopt);
  EXPECT_THAT(rig.chips.acknowledge(0), Optional(0xec));
}

TEST(ChipSetTest, StateSurvivesSaveAndRestore) {
  ChipSetRig rig(2);
  set_up_pics(rig);
  rig.out(0x21, 0xee);
  start_ticks(rig);
  rig.enable_apic(0);
  rig.enable_apic(1);
  rig.route(10, kLevelTriggered | 0x40 | 1ULL << 56);
  rig.chips.set_line(10, LineLevel::High);
  rig.write_apic(1, 0x320, 0x200ec);
  rig.write_apic(1, 0x380, 1'000'000);
  rig.clock.pass(300'000);
  auto const state = rig.chips.save();

  ChipSetRig other(2);
  other.clock.pass(77 * kMillisecond);
  auto const restored = other.chips.restore(state);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(other.chips.save(), state);
  EXPECT_TRUE(other.chips.interrupt_pending(1));
  EXPECT_EQ(other.chips.next_deadline().value_or(0) - other.clock.now(),
            rig.chips.next_deadline().value_or(0) - rig.clock.now());
}

TEST(ChipSetTest, RefusesAStateForAnotherNumberOfVcpusAndKeepsItsOwn) {
  ChipSetRig rig(2);
  ChipSetRig const other(3);
  auto const before = rig.chips.save();
  auto const restored = rig.chips.restore(other.chips.save());
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Errc::Corrupt);
  EXPECT_EQ(rig.chips.save(), before);
}

}  // namespace
}  // namespace bh::vmm::chip
