#pragma once

#include <memory>

#include "base/error.h"
#include "base/mutex.h"
#include "os/unique_fd.h"
#include "vmm/device/serial.h"
#include "vmm/loop/device_loop.h"
#include "vmm/vm/escape.h"
#include "vmm/vm/stop.h"

namespace bh::vmm {

/// Feeds a file descriptor to the guest's serial port, as fast as the guest reads. What does not
/// fit stays unread at the sender; at the end of the file, or an error, it just ends.
///
/// Its handlers run on the loop's thread. Loop, port, lock and switch outlive it.
class ConsoleInput {
 public:
  enum class Escape : std::uint8_t { None, ControlA };

  /// Starts to read `fd`, which stays the caller's. `room` is signalled by the port's
  /// on_input_room.
  static Result<std::unique_ptr<ConsoleInput>> start(int fd, Escape escape, DeviceLoop& loop,
                                                     os::UniqueFd const& room, Mutex& port_lock,
                                                     Serial& port, StopSwitch& stop);
  ~ConsoleInput();
  ConsoleInput(ConsoleInput const&) = delete;

 private:
  ConsoleInput(int fd, Escape escape, DeviceLoop& loop, os::UniqueFd const& room, Mutex& port_lock,
               Serial& port, StopSwitch& stop);

  Result<> listen();
  void pause();
  void on_readable();

  int const fd_;
  Escape const escape_;
  DeviceLoop& loop_;
  os::UniqueFd const& room_;
  Mutex& port_lock_;
  Serial& port_;
  StopSwitch& stop_;
  EscapeFilter filter_;
  bool listening_ = false;
  bool always_ready_ = false;  // A file that epoll does not take: it never makes anyone wait.
  bool ended_ = false;
};

}  // namespace bh::vmm
