#include "vmm/chip/timer_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "base/bytes.h"
#include "vmm/chip/host_clock.h"
#include "vmm/chip/testing/chip_set_rig.h"

namespace bh::vmm::chip {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

// Wakes by an atomic a test waits on, and passes deadlines on to a timer thread.
class Machine final : public ChipSet::Listener {
 public:
  explicit Machine(unsigned vcpu_count) : chips(vcpu_count, clock, *this) {
    timer.emplace(chips, clock);
  }

  void wake(unsigned vcpu) override {
    wakes[vcpu].fetch_add(1);
    wakes[vcpu].notify_all();
  }
  void timers_changed() override {
    if (timer) timer->timers_changed();
  }

  std::uint8_t next_interrupt(unsigned vcpu) {
    for (;;) {
      auto const seen = wakes[vcpu].load();
      if (auto const vector = chips.acknowledge(vcpu)) return *vector;
      wakes[vcpu].wait(seen);
    }
  }
  void write(unsigned vcpu, unsigned offset, std::uint32_t value) {
    std::array<std::byte, 4> data{};
    store_little_endian(data, value);
    chips.mmio_write(vcpu, kLocalApicAddress + offset, data);
  }

  HostClock clock{1'000'000};
  std::array<std::atomic<unsigned>, kMaxVcpus> wakes{};
  ChipSet chips;
  std::optional<TimerThread> timer;
};

TEST(TimerThreadTest, FiresTimersWhenTheyAreDueAndNotBefore) {
  Machine machine(1);
  machine.write(0, 0xf0, 0x1ff);
  machine.write(0, 0x320, 0xec);
  machine.write(0, 0x3e0, 0xb);
  for (int i = 0; i < 5; ++i) {
    auto const start = machine.clock.now();
    machine.write(0, 0x380, kMillisecond / 2);
    EXPECT_EQ(machine.next_interrupt(0), 0xec);
    EXPECT_GE(machine.clock.now() - start, kMillisecond / 2);
    machine.write(0, 0xb0, 0);
  }
}

TEST(TimerThreadTest, WakesForADeadlineThatMovedForward) {
  Machine machine(2);
  for (unsigned const vcpu : {0U, 1U}) {
    machine.write(vcpu, 0xf0, 0x1ff);
    machine.write(vcpu, 0x320, 0xec);
    machine.write(vcpu, 0x3e0, 0xb);
  }
  machine.write(0, 0x380, 4'000'000'000);
  machine.write(1, 0x380, kMillisecond / 2);
  EXPECT_EQ(machine.next_interrupt(1), 0xec);
  EXPECT_FALSE(machine.chips.interrupt_pending(0));
}

TEST(TimerThreadTest, StopsWhileNoTimerIsArmedAndWhileOneIs) {
  Machine idle(1);
  Machine busy(1);
  busy.write(0, 0xf0, 0x1ff);
  busy.write(0, 0x320, 0xec);
  busy.write(0, 0x380, 4'000'000'000);
  idle.timer.reset();
  busy.timer.reset();
  EXPECT_EQ(idle.chips.next_deadline(), std::nullopt);
  EXPECT_TRUE(busy.chips.next_deadline().has_value());
}

// Meant for ThreadSanitizer: vCPUs, devices and timers at once, and no wake-up is lost.
TEST(TimerThreadTest, InterruptsFromManyThreadsAllArrive) {
  constexpr unsigned kVcpus = 2;
  constexpr int kRounds = 200;
  Machine machine(kVcpus);
  for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
    machine.write(vcpu, 0xf0, 0x1ff);
    machine.write(vcpu, 0x320, 0xec);
    machine.write(vcpu, 0x3e0, 0xb);
  }
  std::array<unsigned, kVcpus> timers{};
  std::array<unsigned, kVcpus> messages{};
  {
    std::array<std::jthread, kVcpus> vcpus;
    for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
      vcpus[vcpu] = std::jthread([&machine, &timers, &messages, vcpu] {
        for (int round = 0; round < kRounds; ++round) {
          machine.write(vcpu, 0x380, 1000);
          machine.write(vcpu, 0x310, (vcpu ^ 1) << 24);
          machine.write(vcpu, 0x300, 0x4000 | 0x50);
          // The timer's own interrupt always comes; the other vCPU's messages may merge.
          for (bool timer = false; !timer;) {
            auto const vector = machine.next_interrupt(vcpu);
            machine.write(vcpu, 0xb0, 0);
            timer = vector == 0xec;
            ++(timer ? timers : messages)[vcpu];
          }
        }
      });
    }
  }
  for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
    while (machine.chips.acknowledge(vcpu)) {
      machine.write(vcpu, 0xb0, 0);
      ++messages[vcpu];
    }
    EXPECT_EQ(timers[vcpu], kRounds);
    EXPECT_GE(messages[vcpu], 1);
    EXPECT_LE(messages[vcpu], kRounds);
  }
}

TEST(HostClockTest, CountsOnAndFindsAPlausibleTscFrequency) {
  HostClock const clock;
  EXPECT_GT(clock.tsc_khz(), 100'000);
  EXPECT_LT(clock.tsc_khz(), 20'000'000);
  auto const now = clock.now();
  auto const tsc = clock.tsc();
  EXPECT_GE(clock.now(), now);
  EXPECT_GE(clock.tsc(), tsc);
}

}  // namespace
}  // namespace bh::vmm::chip
