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

TimerThread::~TimerThread() {
  thread_.request_stop();
  {
    std::scoped_lock const lock(mutex_);
    asleep_until_ = 0;
  }
  changed_.notify_one();
}

void TimerThread::timers_changed() {
  {
    std::scoped_lock const lock(mutex_);
    // Guests that never idle move their deadline away all the time: waking once too often at the
    // old one is cheaper than waking at each move.
    if (chips_.next_deadline().value_or(kNever) >= asleep_until_) return;
    asleep_until_ = 0;
  }
  changed_.notify_one();
}

void TimerThread::run(std::stop_token const& stop) {
  // A default of 50 us would be added to every timer of the guest.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  ::prctl(PR_SET_NAME, "timer");
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      std::uint64_t const deadline = chips_.next_deadline().value_or(kNever);
      auto const now = clock_.now();
      if (now < deadline && !stop.stop_requested()) {
        asleep_until_ = deadline;
        auto const sleep = std::chrono::nanoseconds(std::min(deadline - now, kLongestSleep));
        if (deadline == kNever) {
          changed_.wait(lock, [this] { return asleep_until_ == 0; });
        } else {
          changed_.wait_for(lock, sleep, [this] { return asleep_until_ == 0; });
        }
        asleep_until_ = 0;
        continue;
      }
    }
    if (!stop.stop_requested()) chips_.advance();
  }
}

}  // namespace bh::vmm::chip
