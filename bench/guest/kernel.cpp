#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

double system_calls(double seconds) {
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) ::syscall(SYS_getppid);
  });
  return rate / kThousand;
}

void run_nothing() {
  static constexpr char const* kSelf = "/proc/self/exe";
  pid_t const child = ::fork();
  if (child < 0) give_up("fork");
  if (child == 0) {
    ::execl(kSelf, kSelf, kDoNothing, static_cast<char*>(nullptr));
    ::_exit(1);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) give_up("waitpid");
  if (status != 0) give_up("exec /proc/self/exe (is /proc mounted?)");
}

double fork_exec(double seconds) {
  return units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) run_nothing();
  });
}

double page_faults(double seconds) {
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kBytes = 256 * kPage;
  void* const memory =
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("mmap");
  ::madvise(memory, kBytes, MADV_NOHUGEPAGE);
  auto* const bytes = static_cast<char volatile*>(memory);
  std::size_t at = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      bytes[at] = 1;
      at += kPage;
      if (at < kBytes) continue;
      at = 0;
      if (::madvise(memory, kBytes, MADV_DONTNEED) != 0) give_up("madvise");
    }
  });
  ::munmap(memory, kBytes);
  return rate / kThousand;
}

/// Two pipes to a child that sends back each byte it gets.
class Echo {
 public:
  Echo() {
    if (::pipe(there_.data()) != 0 || ::pipe(back_.data()) != 0) give_up("pipe");
    child_ = ::fork();
    if (child_ < 0) give_up("fork");
    if (child_ == 0) answer();
    ::close(there_[0]);
    ::close(back_[1]);
  }
  Echo(Echo const&) = delete;
  Echo& operator=(Echo const&) = delete;
  ~Echo() {
    ::close(there_[1]);
    ::close(back_[0]);
    ::waitpid(child_, nullptr, 0);
  }

  void round_trip() {
    char byte = 0;
    if (::write(there_[1], &byte, 1) != 1 || ::read(back_[0], &byte, 1) != 1) give_up("pipe");
  }

 private:
  [[noreturn]] void answer() {
    // The end of the other process is seen only once nobody holds the writing end.
    ::close(there_[1]);
    char byte = 0;
    while (::read(there_[0], &byte, 1) == 1 && ::write(back_[1], &byte, 1) == 1) {
    }
    ::_exit(0);
  }

  std::array<int, 2> there_{};
  std::array<int, 2> back_{};
  pid_t child_ = -1;
};

double pipe_ping_pong(double seconds) {
  Echo echo;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) echo.round_trip();
  });
  return rate / kThousand;
}

constexpr std::array kMetrics{
    Metric{"syscall_getppid", "kcalls/s", system_calls},
    Metric{"fork_exec", "execs/s", fork_exec},
    Metric{"page_fault_anon", "kfaults/s", page_faults},
    Metric{"pipe_pingpong", "krt/s", pipe_ping_pong},
};

}  // namespace

std::span<Metric const> kernel_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
