#include "vmm/chip/pit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bh::vmm::chip {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;

class PitTest : public ::testing::Test {
 protected:
  void out(std::uint16_t port, unsigned value) {
    pit_.write(port, static_cast<std::uint8_t>(value), now_);
  }
  unsigned in(std::uint16_t port) { return pit_.read(port, now_); }
  void start(unsigned channel, unsigned mode, unsigned count) {
    out(0x43, channel << 6 | 0x30 | mode << 1);
    out(static_cast<std::uint16_t>(0x40 + channel), count & 0xff);
    out(static_cast<std::uint16_t>(0x40 + channel), count >> 8);
  }
  unsigned count(unsigned channel) {
    auto const port = static_cast<std::uint16_t>(0x40 + channel);
    unsigned const low = in(port);
    return low | in(port) << 8;
  }
  bool out2() { return (in(0x61) & 0x20) != 0; }
  // The first ns at which so many ticks have passed.
  static std::uint64_t ticks(std::uint64_t number) {
    return (number * kSecond + kPitHertz - 1) / kPitHertz;
  }

  Pit pit_;
  std::uint64_t now_ = 5 * kSecond;
};

TEST_F(PitTest, CountsDownAtItsClock) {
  start(0, 2, 50'000);
  now_ += ticks(1234);
  EXPECT_EQ(count(0), 50'000 - 1234);
  now_ += ticks(50'000);
  EXPECT_NEAR(count(0), 50'000 - 1234, 1);
}

TEST_F(PitTest, CountOfZeroIsTheLargest) {
  start(0, 0, 0);
  now_ += ticks(1);
  EXPECT_EQ(count(0), 0xffff);
}

// As kernels time the TSC: gate on, mode 0, wait for OUT in port 0x61.
TEST_F(PitTest, OutOfChannel2RisesWhenTheCountEnds) {
  out(0x61, 0x01);
  start(2, 0, 59'659);  // 50 ms
  EXPECT_FALSE(out2());
  now_ += 50 * kMillisecond - 1000;
  EXPECT_FALSE(out2());
  now_ += 2000;
  EXPECT_TRUE(out2());
  now_ += kSecond;
  EXPECT_TRUE(out2());
}

// As kernels time the TSC quickly: the high byte of a free-running count, read without latching.
TEST_F(PitTest, UnlatchedReadsAlternateBetweenLowAndHighByte) {
  out(0x61, 0x01);
  start(2, 0, 0xffff);
  for (unsigned high = 0xff; high > 0xf0; --high) {
    in(0x42);
    EXPECT_EQ(in(0x42), high);
    now_ += ticks(256);
  }
}

TEST_F(PitTest, LatchedCountHoldsUntilBothBytesAreRead) {
  start(0, 2, 0x8000);
  now_ += ticks(0x123);
  out(0x43, 0x00);
  now_ += ticks(0x456);
  out(0x43, 0x00);
  EXPECT_EQ(count(0), 0x8000 - 0x123);
  EXPECT_NEAR(count(0), 0x8000 - 0x123 - 0x456, 1);
}

TEST_F(PitTest, ReadBackLatchesStatusAndCountOfTheChosenChannels) {
  start(0, 2, 0x1000);
  start(1, 3, 0x2000);
  out(0x43, 0xc2 | 0x04);
  EXPECT_EQ(in(0x40), 0x80 | 0x30 | 2 << 1);
  EXPECT_EQ(count(0), 0x1000);
  EXPECT_EQ(in(0x41), 0x80 | 0x30 | 3 << 1);
  EXPECT_EQ(count(1), 0x2000);
}

TEST_F(PitTest, StatusSaysThatNoCountIsLoadedYet) {
  out(0x43, 0x30);
  out(0x43, 0xe2);
  EXPECT_EQ(in(0x40), 0x40 | 0x30);
  start(0, 0, 100);
  out(0x43, 0xe2);
  EXPECT_EQ(in(0x40), 0x30);
}

TEST_F(PitTest, AccessModesTakeOneByteOnly) {
  out(0x43, 0x14);
  out(0x40, 0x80);
  EXPECT_EQ(in(0x40), 0x80);
  out(0x43, 0x24);
  out(0x40, 0x80);
  EXPECT_EQ(in(0x40), 0x80);
  now_ += ticks(0x100);
  EXPECT_EQ(in(0x40), 0x7f);
}

TEST_F(PitTest, CountsInBcdWhenAsked) {
  out(0x43, 0x35);
  out(0x40, 0x00);
  out(0x40, 0x10);
  now_ += ticks(1);
  EXPECT_EQ(count(0), 0x0999);
}

TEST_F(PitTest, SquareWaveIsHighForHalfAPeriod) {
  out(0x61, 0x01);
  start(2, 3, 1000);
  std::uint64_t const begin = now_;
  EXPECT_TRUE(out2());
  now_ = begin + ticks(499);
  EXPECT_TRUE(out2());
  now_ = begin + ticks(500);
  EXPECT_FALSE(out2());
  now_ = begin + ticks(1000);
  EXPECT_TRUE(out2());
}

TEST_F(PitTest, RateGeneratorIsLowForOneTick) {
  out(0x61, 0x01);
  start(2, 2, 1000);
  std::uint64_t const begin = now_;
  for (auto [tick, high] : {std::pair{998U, true}, {999U, false}, {1000U, true}}) {
    now_ = begin + ticks(tick);
    EXPECT_EQ(out2(), high) << tick;
  }
}

TEST_F(PitTest, GatePausesMode0AndGoesOnWhereItStopped) {
  out(0x61, 0x01);
  start(2, 0, 10'000);
  now_ += ticks(1000);
  out(0x61, 0x00);
  now_ += kSecond;
  EXPECT_EQ(count(2), 9000);
  EXPECT_FALSE(out2());
  out(0x61, 0x01);
  now_ += ticks(9000);
  EXPECT_TRUE(out2());
}

TEST_F(PitTest, GateTriggersTheOneShotOfMode1) {
  start(2, 1, 1000);
  EXPECT_TRUE(out2());
  out(0x61, 0x01);
  EXPECT_FALSE(out2());
  now_ += ticks(500);
  out(0x61, 0x00);
  out(0x61, 0x01);
  now_ += ticks(999);
  EXPECT_FALSE(out2());
  now_ += ticks(2);
  EXPECT_TRUE(out2());
}

TEST_F(PitTest, StrobeOfMode4IsLowForOneTickAtTheEnd) {
  out(0x61, 0x01);
  start(2, 4, 1000);
  std::uint64_t const begin = now_;
  for (auto [tick, high] : {std::pair{999U, true}, {1000U, false}, {1001U, true}}) {
    now_ = begin + ticks(tick);
    EXPECT_EQ(out2(), high) << tick;
  }
}

TEST_F(PitTest, Modes6And7AreModes2And3) {
  start(0, 6, 1000);
  out(0x43, 0xe2);
  EXPECT_EQ(in(0x40) >> 1 & 7, 2);
  start(0, 7, 1000);
  out(0x43, 0xe2);
  EXPECT_EQ(in(0x40) >> 1 & 7, 3);
}

TEST_F(PitTest, SpeakerBitIsKeptAndRefreshBitAlternates) {
  out(0x61, 0x02);
  EXPECT_EQ(in(0x61) & 0x0f, 0x02);
  unsigned changes = 0;
  for (unsigned last = in(0x61) & 0x10, i = 0; i < 100; ++i) {
    now_ += 15'085;
    if ((in(0x61) & 0x10) != std::exchange(last, in(0x61) & 0x10)) ++changes;
  }
  EXPECT_EQ(changes, 100);
}

TEST_F(PitTest, PeriodicEdgesDoNotDriftHoweverLateTheyAreTaken) {
  start(0, 2, 1193);
  std::uint64_t const begin = now_;
  for (std::uint64_t edge = 1; edge < 1000; ++edge) {
    auto const due = pit_.next_edge(now_).value_or(0);
    ASSERT_EQ(due, begin + ticks(edge * 1193));
    EXPECT_FALSE(pit_.take_edges(due - 1));
    now_ = due + edge * 700;  // Late, but by less than a period.
    EXPECT_TRUE(pit_.take_edges(now_));
  }
}

TEST_F(PitTest, MissedEdgesCountOnce) {
  start(0, 2, 1193);
  now_ += kSecond;
  EXPECT_TRUE(pit_.take_edges(now_));
  EXPECT_FALSE(pit_.take_edges(now_));
  EXPECT_GT(pit_.next_edge(now_).value_or(0), now_);
}

TEST_F(PitTest, OneShotModesRiseOnce) {
  for (unsigned const mode : {0U, 4U}) {
    start(0, mode, 1000);
    auto const due = pit_.next_edge(now_).value_or(0);
    EXPECT_EQ(due, now_ + ticks(mode == 4 ? 1001 : 1000));
    EXPECT_TRUE(pit_.take_edges(due));
    now_ = due + kSecond;
    EXPECT_FALSE(pit_.take_edges(now_));
    EXPECT_EQ(pit_.next_edge(now_), std::nullopt);
  }
}

TEST_F(PitTest, ChannelWithoutCountOrTriggerHasNoEdges) {
  EXPECT_EQ(pit_.next_edge(now_), std::nullopt);
  out(0x43, 0x34);
  out(0x40, 0x10);
  EXPECT_EQ(pit_.next_edge(now_), std::nullopt);
  start(0, 1, 1000);
  EXPECT_EQ(pit_.next_edge(now_), std::nullopt);
}

TEST_F(PitTest, VeryShortPeriodsAreCoalesced) {
  start(0, 2, 2);
  for (int i = 0; i < 10; ++i) {
    auto const due = pit_.next_edge(now_).value_or(0);
    ASSERT_GE(due, now_ + 200'000);
    now_ = due;
    EXPECT_TRUE(pit_.take_edges(now_));
  }
}

TEST_F(PitTest, RestoredCounterGoesOnFromWhereItWas) {
  start(0, 2, 50'000);
  now_ += ticks(1000);
  auto const state = pit_.save(now_);
  Pit other;
  std::uint64_t const later = 3 * kMillisecond;  // Another host that just started.
  ASSERT_TRUE(other.restore(state, later));
  EXPECT_EQ(other.save(later), state);
  EXPECT_EQ(other.next_edge(later).value_or(0) - later, pit_.next_edge(now_).value_or(0) - now_);
}

TEST_F(PitTest, RefusesAStateOutOfRange) {
  auto state = pit_.save(now_);
  state.channels[1].mode = 6;
  EXPECT_EQ(pit_.restore(state, now_).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace bh::vmm::chip
