#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/mutex.h"

namespace bh::vmm {

/// Where vCPU threads stand while their machine is paused. Any thread may call any method.
class PauseGate {
 public:
  /// From now on vCPUs stop at pass(). The caller then kicks them.
  void close();
  void open();
  /// Waits until `count` vCPUs stand here; false if `timeout` was over first.
  bool wait_for(unsigned count, std::chrono::milliseconds timeout);

  /// A vCPU thread between two runs: returns at once while the gate is open, else when it opens or
  /// `stop` is asked.
  void pass(std::stop_token const& stop);
  /// Calls `wait`, which keeps the guest from running: the vCPU counts as standing here meanwhile.
  void count_while(std::move_only_function<void()> wait);

 private:
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::atomic<bool> closed_ = false;  // Written with the lock held.
  unsigned standing_ BH_GUARDED_BY(mutex_) = 0;
};

}  // namespace bh::vmm
