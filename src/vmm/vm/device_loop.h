#pragma once

#include <functional>
#include <map>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm {

/// Waits for file descriptors and calls who wants to know: the loop of the main thread.
///
/// One thread calls all methods; handlers run on it and may call watch(), forget() and quit().
class DeviceLoop {
 public:
  using Handler = std::move_only_function<void()>;

  static Result<DeviceLoop> create();

  /// Calls `handler` as long as `fd` is readable or hung up. The caller keeps the descriptor open
  /// until forget(). Errc::Denied for files that cannot be waited for (regular files, /dev/null).
  Result<> watch(int fd, Handler handler);
  void forget(int fd);

  /// Returns after a handler called quit(); may be called again.
  Result<> run();
  void quit() { quitting_ = true; }

 private:
  explicit DeviceLoop(os::UniqueFd epoll) : epoll_(std::move(epoll)) {}

  os::UniqueFd epoll_;
  std::map<int, Handler> handlers_;
  bool quitting_ = false;
};

}  // namespace bh::vmm
