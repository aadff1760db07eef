#include "vmm/chip/timer_thread.h"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>

namespace bh::vmm::chip {

namespace {

// The standard library adds this to the time of day; a longer sleep must not overflow there.
constexpr std::uint64_t kLongestSleep = 3'600'000'000'000;  // ns

}  // namespace

TimerThread::TimerThread(ChipSet& chips, Clock const& clock)
    : chips_(chips), clock_(clock), thread_([this](std::stop_token const& stop) { run(stop); }) {}

void TimerThread::timers_changed() {
  {
    MutexLock const lock(mutex_);
    // Guests that never idle move their deadline away all the time: waking once too often at the
    // old one is cheaper than waking at each move.
    if (chips_.next_deadline().value_or(kNever) >= asleep_until_) return;
    asleep_until_ = 0;
  }
  changed_.notify_one();
}

// False if a deadline has come.
bool TimerThread::sleep(std::stop_token const& stop) {
  MutexLock const lock(mutex_);
  std::uint64_t const deadline = chips_.next_deadline().value_or(kNever);
  auto const now = clock_.now();
  if (deadline <= now) return false;
  asleep_until_ = deadline;
  auto const woken = [this]() BH_REQUIRES(mutex_) { return asleep_until_ == 0; };
  if (deadline == kNever) {
    changed_.wait(mutex_, stop, woken);
  } else {
    auto const longest = std::chrono::nanoseconds(std::min(deadline - now, kLongestSleep));
    changed_.wait_for(mutex_, stop, longest, woken);
  }
  asleep_until_ = 0;
  return true;
}

void TimerThread::run(std::stop_token const& stop) {
  // A default of 50 us would be added to every timer of the guest.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  ::prctl(PR_SET_NAME, "timer");
  while (!stop.stop_requested()) {
    if (!sleep(stop)) chips_.advance();
  }
}

}  // namespace bh::vmm::chip
