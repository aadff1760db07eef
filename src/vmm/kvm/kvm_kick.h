#pragma once

#include <linux/kvm.h>
#include <sys/types.h>

#include <atomic>

namespace bh::vmm::kvm {

/// Makes one vCPU's KVM_RUN come back, from any thread, without losing a request.
///
/// A request sets immediate_exit, which KVM looks at on entry, and signals the thread if it is
/// inside. Uses the signal SIGRTMIN, with a handler that does nothing, installed once a process.
class Kick {
 public:
  /// `run` outlives this object.
  explicit Kick(kvm_run& run) : run_(run) {}
  Kick(Kick const&) = delete;
  Kick& operator=(Kick const&) = delete;

  /// Any thread.
  void request();

  /// Around each KVM_RUN, on the thread that calls it.
  void enter();
  void leave() { runner_.store(0); }

  /// Takes requests back, before the caller looks at why they came: a later one is seen by the next
  /// KVM_RUN.
  void take();

  /// Between these two KVM_RUN comes back without entering the guest. A request that arrives
  /// meanwhile stays one.
  void hold() { std::atomic_ref(run_.immediate_exit).store(1); }
  void release();

 private:
  kvm_run& run_;
  std::atomic<bool> requested_{false};
  std::atomic<pid_t> runner_{0};  // The thread between enter() and leave(), or 0.
};

}  // namespace bh::vmm::kvm
