#include "vmm/kvm/kvm_kick.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <mutex>

namespace bh::vmm::kvm {

namespace {

void do_nothing(int /*signal*/) {}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    action.sa_handler = do_nothing;
    // KVM_RUN reports EINTR in spite of SA_RESTART; a system call that a late signal meets
    // restarts.
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGRTMIN, &action, nullptr);
  });
}

/// The calling thread's number, asked for and prepared once: the signal must not be blocked.
pid_t this_thread() {
  thread_local pid_t const thread = [] {
    install_handler();
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGRTMIN);
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    return ::gettid();
  }();
  return thread;
}

}  // namespace

void Kick::request() {
  // Sequentially consistent on both sides: either we see the runner, or KVM sees the flag.
  requested_.store(true);
  std::atomic_ref(run_.immediate_exit).store(1);
  pid_t const thread = runner_.load();
  // The thread may have left, or even ended, since: then the signal does nothing or is refused.
  if (thread != 0) ::syscall(SYS_tgkill, ::getpid(), thread, SIGRTMIN);
}

void Kick::enter() {
  runner_.store(this_thread());
}

void Kick::take() {
  // In this order a request in between leaves the flag set: one more Interrupted, but none lost.
  std::atomic_ref(run_.immediate_exit).store(0);
  requested_.store(false);
}

void Kick::release() {
  std::atomic_ref(run_.immediate_exit).store(0);
  if (requested_.load()) std::atomic_ref(run_.immediate_exit).store(1);
}

}  // namespace bh::vmm::kvm
