#include "vmm/soft/native/trap_guard.h"

#include <signal.h>
#include <ucontext.h>

#include <array>
#include <cerrno>
#include <mutex>

#include "vmm/soft/native/stub_cache.h"

namespace bh::vmm::soft {

namespace {

constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL};
// A stub returns this plus the vector; 0 would read as success for #DE.
constexpr long kTrapped = 0x100;

thread_local Cpu* guarded_cpu = nullptr;
std::array<struct sigaction, kSignals.size()> previous_actions;

void pass_on(int signal, siginfo_t* info, void* context) {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] != signal) continue;
    auto const& previous = previous_actions[i];
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
      previous.sa_sigaction(signal, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
      previous.sa_handler(signal);
    } else {
      // Happens again with the default action once the handler returns.
      ::sigaction(signal, &previous, nullptr);
    }
    return;
  }
}

void on_trap(int signal, siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  auto const rip = static_cast<std::uint64_t>(registers[REG_RIP]);
  if (guarded_cpu != nullptr && guarded_cpu->running_stub != nullptr) {
    auto const stub = guarded_cpu->running_stub;
    auto const landing = StubCache::landing_of(stub);
    if (rip >= reinterpret_cast<std::uint64_t>(stub) && rip < landing) {
      registers[REG_RIP] = static_cast<greg_t>(landing);
      registers[REG_RAX] = kTrapped | registers[REG_TRAPNO];
      return;
    }
  }
  pass_on(signal, info, context);
}

}  // namespace

Result<> install_trap_guard() {
  static std::mutex mutex;
  static bool installed = false;
  std::scoped_lock const lock(mutex);
  if (installed) return {};
  struct sigaction action = {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (::sigaction(kSignals[i], &action, &previous_actions[i]) != 0) {
      return fail_errno("sigaction", errno);
    }
  }
  installed = true;
  return {};
}

void set_guarded_cpu(Cpu* cpu) {
  guarded_cpu = cpu;
}

}  // namespace bh::vmm::soft
