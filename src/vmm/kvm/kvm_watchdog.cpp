#include "vmm/kvm/kvm_watchdog.h"

namespace bh::vmm::kvm {

void Watchdog::begin(std::chrono::milliseconds limit) {
  {
    std::scoped_lock const lock(mutex_);
    watching_ = true;
    kicked_ = false;
    deadline_ = Clock::now() + limit;
  }
  changed_.notify_one();
}

bool Watchdog::finished() {
  std::scoped_lock const lock(mutex_);
  watching_ = false;
  return kicked_;
}

void Watchdog::watch(std::stop_token const& stop) {
  // A kick is kept by the vCPU, so one would do; but a run that ends for another reason at the same
  // moment takes it back.
  constexpr std::chrono::milliseconds kAgain{5};
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!watching_) {
      changed_.wait(lock, stop, [this] { return watching_; });
      continue;
    }
    if (Clock::now() >= deadline_) {
      kicked_ = true;
      vcpu_.kick();
      deadline_ = Clock::now() + kAgain;
    }
    // Woken early by a new begin(), or by the end.
    changed_.wait_until(lock, stop, deadline_, [] { return false; });
  }
}

}  // namespace bh::vmm::kvm
