#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "os/unique_fd.h"
#include "vmm/loop/device_loop.h"

namespace bh::vmm {

/// A thread with a loop of its own, which does the work of a device: what the guest asks for never
/// makes a vCPU or another device wait.
class Worker {
 public:
  using Task = std::move_only_function<void()>;

  /// `name` (at most 15 bytes count) is the thread's.
  static Result<std::unique_ptr<Worker>> start(std::string name);
  /// Runs what was posted, then ends the thread.
  ~Worker();
  Worker(Worker const&) = delete;

  /// Runs `task` on the thread, soon. Any thread.
  void post(Task task) BH_EXCLUDES(mutex_);
  /// Runs `task` on the thread and returns after it. Any thread: the worker's own runs it at once.
  void run_and_wait(Task task);

  /// For the worker's own thread alone.
  DeviceLoop& loop() { return loop_; }

 private:
  Worker(DeviceLoop loop, os::UniqueFd posted)
      : loop_(std::move(loop)), posted_(std::move(posted)) {}

  void run_posted() BH_EXCLUDES(mutex_);

  DeviceLoop loop_;
  os::UniqueFd posted_;
  Mutex mutex_;
  std::vector<Task> tasks_ BH_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace bh::vmm
