#pragma once

#include <chrono>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm {

/// A timer that a DeviceLoop can wait for: its descriptor is readable once the time is over.
class Timer {
 public:
  static Result<Timer> create();

  os::UniqueFd const& fd() const { return fd_; }

  /// Goes off once, after `delay` (at least a nanosecond); an earlier setting is dropped.
  void set(std::chrono::nanoseconds delay);
  /// Goes off after every `period`; 0 stops it.
  void set_period(std::chrono::nanoseconds period);
  /// Makes the descriptor unreadable again.
  void clear();

 private:
  explicit Timer(os::UniqueFd fd) : fd_(std::move(fd)) {}

  os::UniqueFd fd_;
};

}  // namespace bh::vmm
