#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/mutex.h"

namespace bh::image::registry {

/// One line on standard error that shows how far transfers are, if that is a terminal; else
/// nothing. Any thread.
class Progress {
 public:
  explicit Progress(std::string what);
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;
  /// Clears the line.
  ~Progress();

  void expect(std::uint64_t bytes) BH_EXCLUDES(mutex_);
  void add(std::uint64_t bytes) BH_EXCLUDES(mutex_);
  std::uint64_t moved() BH_EXCLUDES(mutex_);

 private:
  void show_locked() BH_REQUIRES(mutex_);

  std::string what_;
  bool shown_;
  Mutex mutex_;
  std::uint64_t expected_ BH_GUARDED_BY(mutex_) = 0;
  std::uint64_t moved_ BH_GUARDED_BY(mutex_) = 0;
  std::chrono::steady_clock::time_point last_ BH_GUARDED_BY(mutex_);
};

}  // namespace bh::image::registry
