#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "machine/supervise/probe_judge.h"
#include "machine/supervise/run.h"
#include "os/event_loop.h"

namespace bh::machine {

/// Asks one question of a run again and again, one at a time.
class Prober {
 public:
  /// Told when the verdict changes, with what the last answer said. Run and loop outlive it.
  using OnChange = std::function<void(bool good, std::string const& words)>;
  Prober(Probe const& probe, Run& run, os::EventLoop& loop, OnChange on_change);
  Prober(Prober const&) = delete;
  ~Prober();

  /// A machine that is held is asked nothing.
  void pause(bool paused) { paused_ = paused; }

 private:
  void wait();
  void ask();
  void take_answer(bool good, std::string words);
  void drop_session();

  Probe probe_;
  Run& run_;
  os::EventLoop& loop_;
  OnChange on_change_;
  ProbeJudge judge_;
  os::EventLoop::Clock::time_point start_ = os::EventLoop::Clock::now();
  bool paused_ = false;
  std::unique_ptr<Session> session_;
  std::string words_;
  os::EventLoop::Timer next_ = 0;
  os::EventLoop::Timer patience_ = 0;
  os::EventLoop::Timer end_ = 0;
};

}  // namespace bh::machine
