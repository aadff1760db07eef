#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>

#include "vmm/chip/chip_set.h"
#include "vmm/chip/clock.h"

namespace bh::vmm::chip {

/// Calls ChipSet::advance() when its next deadline has come, and sleeps otherwise: for ever while
/// no timer is armed.
class TimerThread {
 public:
  /// Starts the thread. `chips` and `clock`, in whose time deadlines are, must outlive this object.
  TimerThread(ChipSet& chips, Clock const& clock);
  /// Stops the thread. No listener may call timers_changed() any more.
  ~TimerThread();
  TimerThread(TimerThread const&) = delete;
  TimerThread& operator=(TimerThread const&) = delete;

  /// To be called by the ChipSet's listener. Any thread; cheap when the deadline only moved later.
  void timers_changed();

 private:
  static constexpr std::uint64_t kNever = ~0ULL;

  void run(std::stop_token const& stop);

  ChipSet& chips_;
  Clock const& clock_;
  std::mutex mutex_;  // Guards asleep_until_. Never held while the ChipSet's lock is taken.
  std::condition_variable changed_;
  std::uint64_t asleep_until_ = 0;
  std::jthread thread_;
};

}  // namespace bh::vmm::chip
