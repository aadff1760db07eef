#include "vmm/chip/apic_timer.h"

#include <gtest/gtest.h>

namespace bh::vmm::chip {
namespace {

constexpr std::uint32_t kDivideBy1 = 0xb;

// The guest's TSC counts 2 a ns.
Moment at(std::uint64_t now) {
  return {.now = now, .guest_tsc = now * 2, .tsc_khz = 2'000'000};
}

ApicTimer timer_of(ApicTimer::Mode mode) {
  ApicTimer timer;
  timer.set_mode(mode);
  timer.set_divide(kDivideBy1, at(0));
  return timer;
}

TEST(ApicTimerTest, OneShotCountsDownAndExpiresOnce) {
  auto timer = timer_of(ApicTimer::Mode::OneShot);
  timer.set_initial_count(1000, at(100));
  EXPECT_EQ(timer.next(at(100)), 1100);
  EXPECT_EQ(timer.current_count(at(500)), 600);
  EXPECT_FALSE(timer.expire(at(1099)));
  EXPECT_TRUE(timer.expire(at(1100)));
  EXPECT_FALSE(timer.expire(at(5000)));
  EXPECT_EQ(timer.current_count(at(5000)), 0);
  EXPECT_EQ(timer.next(at(5000)), std::nullopt);
}

TEST(ApicTimerTest, DividesByWhatTheRegisterSays) {
  struct Case {
    std::uint32_t value;
    std::uint64_t divider;
  };
  for (auto [value, divider] :
       {Case{0x0, 2}, {0x1, 4}, {0x2, 8}, {0x3, 16}, {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}}) {
    ApicTimer timer;
    timer.set_divide(value, at(0));
    timer.set_initial_count(10, at(0));
    EXPECT_EQ(timer.next(at(0)), 10 * divider) << value;
  }
}

TEST(ApicTimerTest, ChangingTheDividerKeepsTheCountSoFar) {
  auto timer = timer_of(ApicTimer::Mode::OneShot);
  timer.set_initial_count(1000, at(0));
  timer.set_divide(0x0, at(400));
  EXPECT_EQ(timer.current_count(at(400)), 600);
  EXPECT_EQ(timer.next(at(400)), 400 + 1200);
}

TEST(ApicTimerTest, PeriodicDoesNotDriftHoweverLateItIsAsked) {
  auto timer = timer_of(ApicTimer::Mode::Periodic);
  timer.set_initial_count(1'000'000, at(0));
  for (std::uint64_t period = 1; period < 500; ++period) {
    std::uint64_t const due = period * 1'000'000;
    EXPECT_EQ(timer.next(at(due - 1)), due);
    EXPECT_FALSE(timer.expire(at(due - 1)));
    EXPECT_TRUE(timer.expire(at(due + period * 1000)));
  }
}

TEST(ApicTimerTest, MissedPeriodsCountOnce) {
  auto timer = timer_of(ApicTimer::Mode::Periodic);
  timer.set_initial_count(1'000'000, at(0));
  EXPECT_TRUE(timer.expire(at(10'300'000)));
  EXPECT_FALSE(timer.expire(at(10'300'000)));
  EXPECT_EQ(timer.next(at(10'300'000)), 11'000'000);
  EXPECT_EQ(timer.current_count(at(10'300'000)), 700'000);
}

TEST(ApicTimerTest, PeriodicCountGoesRoundBeforeAnybodyAsksWhetherItExpired) {
  auto timer = timer_of(ApicTimer::Mode::Periodic);
  timer.set_initial_count(1000, at(0));
  EXPECT_EQ(timer.current_count(at(1000)), 1000);
  EXPECT_EQ(timer.current_count(at(2700)), 300);
}

TEST(ApicTimerTest, RestoredDeadlineIsTheSameTscValue) {
  auto timer = timer_of(ApicTimer::Mode::TscDeadline);
  timer.set_tsc_deadline(5000);
  ApicTimer other;
  ASSERT_TRUE(other.restore(timer.save(at(1000)), ApicTimer::Mode::TscDeadline, at(2000)));
  EXPECT_EQ(other.tsc_deadline(), 5000);
  EXPECT_EQ(other.next(at(2000)), 2500);
}

TEST(ApicTimerTest, VeryShortPeriodsAreCoalesced) {
  auto timer = timer_of(ApicTimer::Mode::Periodic);
  timer.set_initial_count(1, at(0));
  EXPECT_TRUE(timer.expire(at(1)));
  EXPECT_EQ(timer.next(at(1)), 200'001);
}

TEST(ApicTimerTest, CountOfZeroStops) {
  auto timer = timer_of(ApicTimer::Mode::Periodic);
  timer.set_initial_count(1000, at(0));
  timer.set_initial_count(0, at(10));
  EXPECT_EQ(timer.next(at(10)), std::nullopt);
  EXPECT_FALSE(timer.expire(at(100'000)));
}

TEST(ApicTimerTest, DeadlineIsMetWhenTheGuestsTscGetsThere) {
  auto timer = timer_of(ApicTimer::Mode::TscDeadline);
  timer.set_tsc_deadline(10'001);
  EXPECT_EQ(timer.next(at(1000)), 5001);
  EXPECT_FALSE(timer.expire(at(5000)));
  EXPECT_EQ(timer.tsc_deadline(), 10'001);
  EXPECT_TRUE(timer.expire(at(5001)));
  EXPECT_EQ(timer.tsc_deadline(), 0);
  EXPECT_FALSE(timer.expire(at(6000)));
}

TEST(ApicTimerTest, DeadlineInThePastIsDueAtOnce) {
  auto timer = timer_of(ApicTimer::Mode::TscDeadline);
  timer.set_tsc_deadline(1);
  EXPECT_EQ(timer.next(at(777)), 777);
  EXPECT_TRUE(timer.expire(at(777)));
}

TEST(ApicTimerTest, DeadlineBeyondTheEndOfTimeNeverComes) {
  auto timer = timer_of(ApicTimer::Mode::TscDeadline);
  timer.set_tsc_deadline(~0ULL);
  EXPECT_EQ(timer.next(at(1000)), std::nullopt);
  EXPECT_FALSE(timer.expire(at(1000)));
}

TEST(ApicTimerTest, ModesIgnoreTheOthersRegisters) {
  auto deadline = timer_of(ApicTimer::Mode::TscDeadline);
  deadline.set_initial_count(1000, at(0));
  EXPECT_EQ(deadline.initial_count(), 0);
  EXPECT_EQ(deadline.next(at(0)), std::nullopt);
  auto one_shot = timer_of(ApicTimer::Mode::OneShot);
  one_shot.set_tsc_deadline(1000);
  EXPECT_EQ(one_shot.tsc_deadline(), 0);
  EXPECT_FALSE(one_shot.expire(at(5000)));
}

TEST(ApicTimerTest, EnteringOrLeavingDeadlineModeDisarms) {
  auto timer = timer_of(ApicTimer::Mode::OneShot);
  timer.set_initial_count(1000, at(0));
  timer.set_mode(ApicTimer::Mode::TscDeadline);
  EXPECT_EQ(timer.next(at(0)), std::nullopt);
  timer.set_tsc_deadline(1000);
  timer.set_mode(ApicTimer::Mode::OneShot);
  EXPECT_EQ(timer.next(at(0)), std::nullopt);
  timer.set_initial_count(1000, at(0));
  timer.set_mode(ApicTimer::Mode::Periodic);
  EXPECT_EQ(timer.next(at(0)), 1000);
}

TEST(ApicTimerTest, RestoresOnAHostWhoseClockIsYounger) {
  auto timer = timer_of(ApicTimer::Mode::Periodic);
  timer.set_initial_count(1'000'000, at(5'000'000'000));
  auto const state = timer.save(at(5'000'400'000));
  ApicTimer other;
  ASSERT_TRUE(other.restore(state, ApicTimer::Mode::Periodic, at(1000)));
  EXPECT_EQ(other.save(at(1000)), state);
  EXPECT_EQ(other.next(at(1000)), 601'000);
  EXPECT_EQ(other.current_count(at(1000)), 600'000);
}

TEST(ApicTimerTest, RefusesAStateOutOfRange) {
  ApicTimer timer;
  EXPECT_FALSE(timer.restore({.divide = 4}, ApicTimer::Mode::OneShot, at(0)));
  EXPECT_FALSE(timer.restore({.age = ~0ULL}, ApicTimer::Mode::OneShot, at(0)));
}

}  // namespace
}  // namespace bh::vmm::chip
