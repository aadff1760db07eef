#pragma once

#include <condition_variable>
#include <cstdint>
#include <stop_token>
#include <thread>

#include "base/mutex.h"
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
  ~TimerThread() = default;
  TimerThread(TimerThread const&) = delete;
  TimerThread& operator=(TimerThread const&) = delete;

  /// To be called by the ChipSet's listener. Any thread; cheap when the deadline only moved later.
  void timers_changed();

 private:
  static constexpr std::uint64_t kNever = ~0ULL;

  void run(std::stop_token const& stop);
  bool sleep(std::stop_token const& stop);

  ChipSet& chips_;
  Clock const& clock_;
  Mutex mutex_;  // Never held while a method of the ChipSet that locks is called.
  std::condition_variable_any changed_;
  std::uint64_t asleep_until_ BH_GUARDED_BY(mutex_) = 0;  // ns; 0 when awake or to wake up.
  std::jthread thread_;
};

}  // namespace bh::vmm::chip
