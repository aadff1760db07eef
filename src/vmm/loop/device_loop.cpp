#include "vmm/loop/device_loop.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace bh::vmm {

namespace {

std::uint32_t events_of(DeviceLoop::Interest interest) {
  switch (interest) {
    case DeviceLoop::Interest::Read: return EPOLLIN;
    case DeviceLoop::Interest::Write: return EPOLLOUT;
    case DeviceLoop::Interest::ReadAndWrite: return EPOLLIN | EPOLLOUT;
    case DeviceLoop::Interest::None: break;
  }
  return 0;
}

}  // namespace

Result<DeviceLoop> DeviceLoop::create() {
  os::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return fail_errno("epoll_create1", errno);
  return DeviceLoop(std::move(epoll));
}

Result<> DeviceLoop::watch(int fd, Interest interest, Handler handler) {
  // Not added for None: epoll would report a hang-up without end.
  if (interest != Interest::None) {
    epoll_event event{.events = events_of(interest), .data = {.fd = fd}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return fail_errno("epoll_ctl of file descriptor " + std::to_string(fd), errno);
    }
  }
  watched_.insert_or_assign(fd, Watched{std::move(handler), interest});
  return {};
}

void DeviceLoop::change(int fd, Interest interest) {
  auto const found = watched_.find(fd);
  if (found == watched_.end() || found->second.interest == interest) return;
  auto const before = std::exchange(found->second.interest, interest);
  epoll_event event{.events = events_of(interest), .data = {.fd = fd}};
  int const operation = interest == Interest::None ? EPOLL_CTL_DEL
                        : before == Interest::None ? EPOLL_CTL_ADD
                                                   : EPOLL_CTL_MOD;
  // It worked for this descriptor in watch(), and the caller keeps it open.
  [[maybe_unused]] int const result = ::epoll_ctl(epoll_.get(), operation, fd, &event);
}

void DeviceLoop::forget(int fd) {
  if (watched_.erase(fd) == 0) return;
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
      auto const found = watched_.find(events[i].data.fd);
      if (found == watched_.end()) continue;  // An earlier handler of this round forgot it.
      // Out of the map while it runs, so that it may forget itself.
      int const fd = found->first;
      Handler handler = std::exchange(found->second.handler, nullptr);
      if (!handler) continue;
      handler();
      if (auto const again = watched_.find(fd); again != watched_.end() && !again->second.handler) {
        again->second.handler = std::move(handler);
      }
    }
  }
  return {};
}

}  // namespace bh::vmm
