// Processes and threads that start and end, and signals.

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

/// Calls `child` in a new process, which must end with 0, and waits for it.
template <typename Child>
void run_child(Child&& child, std::string_view what) {
  pid_t const process = ::fork();
  if (process < 0) give_up("fork");
  if (process == 0) {
    child();
    ::_exit(1);
  }
  int status = 0;
  if (::waitpid(process, &status, 0) != process) give_up("waitpid");
  check(what, static_cast<std::uint64_t>(status), 0);
}

double fork_wait(double seconds) {
  return units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) run_child([] { ::_exit(0); }, "fork_wait");
  });
}

double fork_exec(double seconds) {
  static constexpr char const* kSelf = "/proc/self/exe";
  return units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) {
      run_child([] { ::execl(kSelf, kSelf, kDoNothing, static_cast<char*>(nullptr)); },
                "fork_exec (is /proc mounted?)");
    }
  });
}

void* return_at_once(void* argument) {
  return argument;
}

double thread_create(double seconds) {
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) {
      pthread_t thread{};
      if (::pthread_create(&thread, nullptr, return_at_once, nullptr) != 0)
        give_up("pthread_create");
      ::pthread_join(thread, nullptr);
    }
  });
  return rate / kThousand;
}

std::uint64_t volatile signals_seen = 0;

void see_signal(int /*signal*/) {
  signals_seen = signals_seen + 1;
}

double signal_deliver(double seconds) {
  struct sigaction action{};
  action.sa_handler = see_signal;
  ::sigaction(SIGUSR1, &action, nullptr);
  signals_seen = 0;
  std::uint64_t sent = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    sent += count;
    for (; count != 0; --count) ::raise(SIGUSR1);
  });
  check("signal_deliver", signals_seen, sent);
  return rate / kThousand;
}

constexpr std::array kMetrics{
    Metric{"signal_deliver", group::kKernel, "ksignals/s", signal_deliver},
    Metric{"fork_wait", group::kKernel, "forks/s", fork_wait},
    Metric{"fork_exec", group::kKernel, "execs/s", fork_exec},
    Metric{"thread_create", group::kKernel, "kthreads/s", thread_create},
};

}  // namespace

std::span<Metric const> process_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
