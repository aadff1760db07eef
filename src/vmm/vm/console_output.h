#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"

namespace bh::vmm {

/// Carries what the guest prints to a file descriptor, without loss and without unbounded memory:
/// a thread of its own writes, and vCPUs that print faster than the reader reads must wait.
class ConsoleOutput {
 public:
  /// vCPUs wait while this much has not been written. A vCPU adds a few bytes at a time, so there
  /// is never much more.
  static constexpr std::size_t kLimit = std::size_t{64} * 1024;

  using OnClosed = std::move_only_function<void()>;

  /// `fd` stays the caller's and open; blocking and non-blocking ones will do. `on_closed` is
  /// called by the writing thread when the other end of a pipe is gone: what is put then is
  /// dropped.
  ConsoleOutput(int fd, OnClosed on_closed);
  /// What drain() has not seen written is lost.
  ~ConsoleOutput();
  ConsoleOutput(ConsoleOutput const&) = delete;

  /// Never blocks. Any thread, also with a device's lock held.
  void put(std::byte byte);

  bool full() const { return pending_.load(std::memory_order_relaxed) >= kLimit; }
  /// Returns when there is room again or `stop` is asked. Not with a lock held.
  void wait_for_room(std::stop_token stop);

  /// Waits until all is written; false if `timeout` was over first.
  bool drain(std::chrono::milliseconds timeout);

  /// errno of the first write that failed for good, which lost what it should have written; or 0.
  int first_error() const { return first_error_.load(std::memory_order_relaxed); }

 private:
  void write_all(std::stop_token const& stop);
  bool write_piece(std::stop_token const& stop, std::string_view piece);

  int const fd_;
  OnClosed on_closed_;
  std::atomic<int> first_error_ = 0;
  std::atomic<std::size_t> pending_ = 0;  // Bytes put and not written; changed under mutex_.
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::string queue_ BH_GUARDED_BY(mutex_);
  bool writer_waits_ BH_GUARDED_BY(mutex_) = false;
  bool writer_done_ BH_GUARDED_BY(mutex_) = false;
  std::jthread writer_;
};

}  // namespace bh::vmm
