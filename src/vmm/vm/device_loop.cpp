#include "vmm/vm/device_loop.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace bh::vmm {

Result<DeviceLoop> DeviceLoop::create() {
  os::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return fail_errno("epoll_create1", errno);
  return DeviceLoop(std::move(epoll));
}

Result<> DeviceLoop::watch(int fd, Handler handler) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail_errno("epoll_ctl of file descriptor " + std::to_string(fd), errno);
  }
  handlers_[fd] = std::move(handler);
  return {};
}

void DeviceLoop::forget(int fd) {
  if (handlers_.erase(fd) == 0) return;
  // It can only fail when the descriptor is closed, and then epoll has forgotten it by itself.
  [[maybe_unused]] int const result = ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Result<> DeviceLoop::run() {
  quitting_ = false;
  while (!quitting_) {
    std::array<epoll_event, 16> events;
    int const count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("epoll_wait", errno);
    for (int i = 0; i < count && !quitting_; ++i) {
      auto const found = handlers_.find(events[i].data.fd);
      if (found == handlers_.end()) continue;  // An earlier handler of this round forgot it.
      // Out of the map while it runs, so that it may forget itself.
      int const fd = found->first;
      Handler handler = std::exchange(found->second, nullptr);
      handler();
      if (auto const again = handlers_.find(fd); again != handlers_.end() && !again->second) {
        again->second = std::move(handler);
      }
    }
  }
  return {};
}

}  // namespace bh::vmm
