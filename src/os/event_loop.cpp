#include "os/event_loop.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace bh::os {

void EventLoop::watch(int fd, short events, Handler handler) {
  watches_[fd] = {.events = events, .number = next_++, .handler = std::move(handler)};
}

void EventLoop::change(int fd, short events) {
  if (auto const found = watches_.find(fd); found != watches_.end()) found->second.events = events;
}

void EventLoop::forget(int fd) {
  watches_.erase(fd);
}

EventLoop::Timer EventLoop::after(std::chrono::milliseconds delay, std::function<void()> handler) {
  auto const timer = next_++;
  alarms_[timer] = {.time = Clock::now() + delay, .handler = std::move(handler)};
  return timer;
}

void EventLoop::cancel(Timer timer) {
  alarms_.erase(timer);
}

int EventLoop::milliseconds_to_wait() const {
  if (alarms_.empty()) return -1;
  auto first = Clock::time_point::max();
  for (auto const& [timer, alarm] : alarms_) first = std::min(first, alarm.time);
  auto const left = std::chrono::ceil<std::chrono::milliseconds>(first - Clock::now()).count();
  constexpr long kLongest = 1 << 30;
  return static_cast<int>(std::clamp<long>(left, 0, kLongest));
}

void EventLoop::ring() {
  auto const time = Clock::now();
  std::vector<Timer> due;
  for (auto const& [timer, alarm] : alarms_) {
    if (alarm.time <= time) due.push_back(timer);
  }
  for (auto const timer : due) {
    // A handler before may have cancelled it.
    auto found = alarms_.extract(timer);
    if (!found.empty()) found.mapped().handler();
  }
}

Result<> EventLoop::poll_once() {
  std::vector<pollfd> entries;
  std::vector<std::uint64_t> numbers;
  for (auto const& [fd, watch] : watches_) {
    if (watch.events == 0) continue;
    entries.push_back({.fd = fd, .events = watch.events, .revents = 0});
    numbers.push_back(watch.number);
  }
  if (::poll(entries.data(), entries.size(), milliseconds_to_wait()) < 0) {
    if (errno == EINTR) return {};
    return fail_errno("poll", errno);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto const found = watches_.find(entries[i].fd);
    if (entries[i].revents == 0 || found == watches_.end()) continue;
    if (found->second.number != numbers[i] || found->second.events == 0) continue;
    // It may forget itself while it runs.
    auto const handler = found->second.handler;
    handler(entries[i].revents);
  }
  ring();
  return {};
}

Result<> EventLoop::run() {
  stopped_ = false;
  while (!stopped_) BH_TRY(poll_once());
  return {};
}

}  // namespace bh::os
