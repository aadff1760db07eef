#include "vmm/vm/console_input.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "vmm/loop/event.h"

namespace bh::vmm {

Result<std::unique_ptr<ConsoleInput>> ConsoleInput::start(int fd, Escape escape, DeviceLoop& loop,
                                                          os::UniqueFd const& room,
                                                          Mutex& port_lock, Serial& port,
                                                          StopSwitch& stop) {
  std::unique_ptr<ConsoleInput> input(
      new ConsoleInput(fd, escape, loop, room, port_lock, port, stop));
  BH_TRY(loop.watch(room.get(), [raw = input.get()] {
    clear_event(raw->room_);
    if (raw->ended_) return;
    if (raw->always_ready_) return raw->on_readable();
    // Only a file descriptor that was watched before comes here, so this cannot fail anew.
    if (!raw->listen()) raw->ended_ = true;
  }));
  auto const listening = input->listen();
  if (!listening && listening.error().code == Errc::Denied) {
    input->always_ready_ = true;
    signal_event(room);
  } else if (!listening) {
    return std::unexpected(Error(listening.error()).while_doing("console input"));
  }
  return input;
}

ConsoleInput::ConsoleInput(int fd, Escape escape, DeviceLoop& loop, os::UniqueFd const& room,
                           Mutex& port_lock, Serial& port, StopSwitch& stop)
    : fd_(fd),
      escape_(escape),
      loop_(loop),
      room_(room),
      port_lock_(port_lock),
      port_(port),
      stop_(stop) {}

ConsoleInput::~ConsoleInput() {
  pause();
  loop_.forget(room_.get());
}

Result<> ConsoleInput::listen() {
  if (listening_) return {};
  BH_TRY(loop_.watch(fd_, [this] { on_readable(); }));
  listening_ = true;
  return {};
}

void ConsoleInput::pause() {
  if (!listening_) return;
  loop_.forget(fd_);
  listening_ = false;
}

void ConsoleInput::on_readable() {
  std::array<std::byte, 4096> buffer;
  // The filter may give back the one escape that it held, so leave room for it.
  std::size_t room = 0;
  {
    MutexLock const lock(port_lock_);
    room = port_.input_room();
  }
  if (room <= 1) return pause();
  ssize_t const count = ::read(fd_, buffer.data(), std::min(buffer.size(), room - 1));
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    ended_ = true;
    return pause();
  }
  auto const typed = std::span(buffer).first(static_cast<std::size_t>(count));
  EscapeFilter::Filtered filtered;
  if (escape_ == Escape::ControlA) {
    filtered = filter_.filter(typed);
  } else {
    filtered.for_guest.assign(typed.begin(), typed.end());
  }
  {
    MutexLock const lock(port_lock_);
    port_.push_input(filtered.for_guest);
  }
  if (filtered.quit) stop_.stop(UserQuit());
  if (always_ready_) signal_event(room_);
}

}  // namespace bh::vmm
