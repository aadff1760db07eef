#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "vmm/engine/vcpu.h"

namespace bh::vmm::kvm {

/// Kicks a vCPU once its time is over, and then again every few milliseconds until it is told that
/// the vCPU came back.
class Watchdog {
 public:
  /// `vcpu` outlives this object.
  explicit Watchdog(Vcpu& vcpu)
      : vcpu_(vcpu), thread_([this](std::stop_token const& stop) { watch(stop); }) {}

  /// Around each run, on one thread. finished() says whether the vCPU was kicked.
  void begin(std::chrono::milliseconds limit);
  bool finished();

 private:
  void watch(std::stop_token const& stop);

  using Clock = std::chrono::steady_clock;

  Vcpu& vcpu_;
  std::mutex mutex_;  // Guards the members down to the thread.
  std::condition_variable_any changed_;
  bool watching_ = false;
  bool kicked_ = false;
  Clock::time_point deadline_;
  std::jthread thread_;  // Last: it uses all above.
};

}  // namespace bh::vmm::kvm
