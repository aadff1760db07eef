#include "vmm/soft/native/trap_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <optional>

#include "os/mapped_region.h"
#include "vmm/soft/native/stub_cache.h"

namespace bh::vmm::soft {

namespace {

constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL};
// A stub returns this plus the vector; 0 would read as success for #DE.
constexpr long kTrapped = 0x100;

thread_local Cpu* guarded_cpu = nullptr;
std::array<struct sigaction, kSignals.size()> previous_actions;

/// A handler's stack of its own, for translated code runs with the guest's stack pointer.
class AlternateStack {
 public:
  ~AlternateStack() {
    stack_t off = {};
    off.ss_flags = SS_DISABLE;
    ::sigaltstack(&off, nullptr);
  }
  Result<> install() {
    constexpr std::size_t kSize = 64u << 10;
    memory_ =
        BH_TRY(os::MappedRegion::map(kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS));
    stack_t stack = {};
    stack.ss_sp = memory_.data();
    stack.ss_size = memory_.size();
    // So that a guest whose stack pointer lies there cannot pass for a handler.
    constexpr unsigned kAutoDisarm = 1u << 31;
    stack.ss_flags = static_cast<int>(kAutoDisarm);
    if (::sigaltstack(&stack, nullptr) != 0) return fail_errno("sigaltstack", errno);
    return {};
  }

 private:
  os::MappedRegion memory_;
};

/// Blocks signals whose handlers would run on the guest's stack pointer.
void block_handlers_without_stack() {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action = {};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    bool const handled = (action.sa_flags & SA_SIGINFO) != 0 ||
                         (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
    if (handled && (action.sa_flags & SA_ONSTACK) == 0) sigaddset(&blocked, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

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
  if (guarded_cpu != nullptr) {
    auto& crossing = guarded_cpu->crossing;
    if (rip - reinterpret_cast<std::uint64_t>(crossing.code.data()) < crossing.code.size()) {
      crossing.trap_at = rip;
      crossing.trap_flags = static_cast<std::uint64_t>(registers[REG_EFL]);
      registers[REG_RIP] = static_cast<greg_t>(crossing.leave);
      return;
    }
  }
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

Result<> guard_thread(Cpu* cpu) {
  guarded_cpu = cpu;
  static thread_local std::optional<AlternateStack> stack;
  if (stack) return {};
  stack.emplace();
  BH_TRY(stack->install());
  block_handlers_without_stack();
  return {};
}

}  // namespace bh::vmm::soft
