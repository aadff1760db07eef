#include "vmm/loop/timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace bh::vmm {

namespace {

timespec as_timespec(std::chrono::nanoseconds time) {
  auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

}  // namespace

Result<Timer> Timer::create() {
  os::UniqueFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!fd.valid()) return fail_errno("timerfd_create", errno);
  return Timer(std::move(fd));
}

void Timer::set(std::chrono::nanoseconds delay) {
  itimerspec const time{.it_interval = {},
                        .it_value = as_timespec(std::max(delay, std::chrono::nanoseconds(1)))};
  // It can only fail for a bad argument.
  [[maybe_unused]] int const result = ::timerfd_settime(fd_.get(), 0, &time, nullptr);
}

void Timer::set_period(std::chrono::nanoseconds period) {
  itimerspec const time{.it_interval = as_timespec(period), .it_value = as_timespec(period)};
  [[maybe_unused]] int const result = ::timerfd_settime(fd_.get(), 0, &time, nullptr);
}

void Timer::clear() {
  std::uint64_t expirations = 0;
  // It can only fail when the timer has not gone off, which is what we want.
  [[maybe_unused]] ssize_t const count = ::read(fd_.get(), &expirations, sizeof expirations);
}

}  // namespace bh::vmm
