// Two that wake each other in turns.

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

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

/// A word that one thread waits for and another changes.
class Baton {
 public:
  void give(std::uint32_t to) {
    owner_.store(to);
    ::syscall(SYS_futex, &owner_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  void await(std::uint32_t wanted) {
    for (auto seen = owner_.load(); seen != wanted; seen = owner_.load()) {
      // The owner left: whoever still waits is to end too.
      if (seen == kNobody) return;
      ::syscall(SYS_futex, &owner_, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
    }
  }
  [[nodiscard]] bool is_left() const { return owner_.load() == kNobody; }

  static constexpr std::uint32_t kNobody = 2;

 private:
  std::atomic<std::uint32_t> owner_ = 0;
};

constexpr std::uint32_t kMain = 0;
constexpr std::uint32_t kOther = 1;

void* give_back(void* argument) {
  auto& baton = *static_cast<Baton*>(argument);
  for (;;) {
    baton.await(kOther);
    if (baton.is_left()) return nullptr;
    baton.give(kMain);
  }
}

double futex_ping_pong(double seconds) {
  Baton baton;
  pthread_t thread{};
  if (::pthread_create(&thread, nullptr, give_back, &baton) != 0) give_up("pthread_create");
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      baton.give(kOther);
      baton.await(kMain);
    }
  });
  baton.give(Baton::kNobody);
  ::pthread_join(thread, nullptr);
  return rate / kThousand;
}

constexpr std::array kMetrics{
    Metric{"pipe_pingpong", group::kKernel, "krt/s", pipe_ping_pong},
    Metric{"futex_pingpong", group::kKernel, "krt/s", futex_ping_pong},
};

}  // namespace

std::span<Metric const> switch_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
