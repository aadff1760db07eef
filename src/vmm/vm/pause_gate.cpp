#include "vmm/vm/pause_gate.h"

namespace bh::vmm {

void PauseGate::close() {
  MutexLock const lock(mutex_);
  closed_.store(true, std::memory_order_release);
}

void PauseGate::open() {
  MutexLock const lock(mutex_);
  closed_.store(false, std::memory_order_release);
  changed_.notify_all();
}

bool PauseGate::wait_for(unsigned count, std::chrono::milliseconds timeout) {
  MutexLock const lock(mutex_);
  return changed_.wait_for(mutex_, timeout,
                           [&]() BH_REQUIRES(mutex_) { return standing_ >= count; });
}

void PauseGate::pass(std::stop_token const& stop) {
  if (!closed_.load(std::memory_order_acquire)) return;
  MutexLock const lock(mutex_);
  ++standing_;
  changed_.notify_all();
  changed_.wait(mutex_, stop, [this] { return !closed_.load(std::memory_order_relaxed); });
  --standing_;
}

void PauseGate::count_while(std::move_only_function<void()> wait) {
  {
    MutexLock const lock(mutex_);
    ++standing_;
    changed_.notify_all();
  }
  wait();
  MutexLock const lock(mutex_);
  --standing_;
}

}  // namespace bh::vmm
