#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm {

/// Waits for file descriptors and calls who wants to know: the loop of the main thread, and of each
/// Worker.
///
/// One thread calls all methods; handlers run on it and may call all but run().
class DeviceLoop {
 public:
  using Handler = std::move_only_function<void()>;

  /// What a descriptor is watched for. A hang-up or an error is told in every case but None.
  enum class Interest : std::uint8_t { None, Read, Write, ReadAndWrite };

  static Result<DeviceLoop> create();

  /// Calls `handler` as long as `fd` is readable or hung up. The caller keeps the descriptor open
  /// until forget(). Errc::Denied for files that cannot be waited for (regular files, /dev/null).
  Result<> watch(int fd, Handler handler) { return watch(fd, Interest::Read, std::move(handler)); }
  Result<> watch(int fd, Interest interest, Handler handler);
  /// Changes what a watched descriptor is watched for.
  void change(int fd, Interest interest);
  void forget(int fd);

  /// Returns after a handler called quit(); may be called again.
  Result<> run();
  void quit() { quitting_ = true; }

 private:
  struct Watched {
    Handler handler;
    Interest interest;
  };

  explicit DeviceLoop(os::UniqueFd epoll) : epoll_(std::move(epoll)) {}

  os::UniqueFd epoll_;
  std::map<int, Watched> watched_;
  bool quitting_ = false;
};

}  // namespace bh::vmm
