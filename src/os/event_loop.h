#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>

#include "base/error.h"

namespace bh::os {

/// Waits for descriptors and times, and calls whom they are for. One thread; handlers may change
/// anything, their own entry too.
class EventLoop {
 public:
  using Handler = std::function<void(short events)>;
  using Clock = std::chrono::steady_clock;

  /// Calls `handler` when poll(2) has any of `events` for `fd`, or an error or its end. Replaces
  /// what was there for `fd`.
  void watch(int fd, short events, Handler handler);
  /// Other events for the same handler; none pause it, and then its end is not seen either.
  void change(int fd, short events);
  void forget(int fd);

  using Timer = std::uint64_t;
  Timer after(std::chrono::milliseconds delay, std::function<void()> handler);
  /// One that is over or was never there is no mistake.
  void cancel(Timer timer);

  /// Until stop() is called.
  Result<> run();
  void stop() { stopped_ = true; }

 private:
  struct Watch {
    short events = 0;
    std::uint64_t number = 0;  // Another one for the same fd has another number.
    Handler handler;
  };
  struct Alarm {
    Clock::time_point time;
    std::function<void()> handler;
  };

  int milliseconds_to_wait() const;
  Result<> poll_once();
  void ring();

  std::map<int, Watch> watches_;
  std::map<Timer, Alarm> alarms_;
  std::uint64_t next_ = 1;
  bool stopped_ = false;
};

}  // namespace bh::os
