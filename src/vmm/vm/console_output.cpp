#include "vmm/vm/console_output.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

namespace bh::vmm {

namespace {

// Linux reports a pipe as writable when this much fits, so that such a write does not block.
constexpr std::size_t kPiece = 4096;
constexpr int kPollMilliseconds = 100;
constexpr std::chrono::milliseconds kGather{1};
constexpr std::chrono::milliseconds kInterruptEvery{10};

void do_nothing(int /*signal*/) {}

int interrupt_signal() {
  return SIGRTMIN + 1;
}

/// A handler without SA_RESTART: the signal makes a blocked write() come back with EINTR.
void install_interrupt_handler() {
  struct sigaction action{};
  action.sa_handler = do_nothing;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(interrupt_signal(), &action, nullptr);
}

}  // namespace

ConsoleOutput::ConsoleOutput(int fd, OnClosed on_closed)
    : fd_(fd), on_closed_(std::move(on_closed)) {
  install_interrupt_handler();
  writer_ = std::jthread([this](std::stop_token const& stop) { write_all(stop); });
  ::pthread_setname_np(writer_.native_handle(), "console");
}

ConsoleOutput::~ConsoleOutput() {
  writer_.request_stop();
  // A terminal whose reader is gone can block a write for ever. One signal might come just before
  // the write, so repeat it until the thread has seen the stop.
  MutexLock const lock(mutex_);
  while (!writer_done_) {
    ::pthread_kill(writer_.native_handle(), interrupt_signal());
    changed_.wait_for(mutex_, kInterruptEvery);
  }
}

void ConsoleOutput::put(std::byte byte) {
  bool wake = false;
  {
    MutexLock const lock(mutex_);
    queue_ += std::to_integer<char>(byte);
    pending_.fetch_add(1, std::memory_order_relaxed);
    wake = std::exchange(writer_waits_, false);
  }
  // Not under the lock, which the woken thread would only run into.
  if (wake) changed_.notify_all();
}

void ConsoleOutput::wait_for_room(std::stop_token stop) {
  MutexLock const lock(mutex_);
  changed_.wait(mutex_, std::move(stop), [this] { return !full(); });
}

bool ConsoleOutput::drain(std::chrono::milliseconds timeout) {
  MutexLock const lock(mutex_);
  return changed_.wait_for(mutex_, timeout,
                           [this] { return pending_.load(std::memory_order_relaxed) == 0; });
}

void ConsoleOutput::write_all(std::stop_token const& stop) {
  std::string taken;
  while (!stop.stop_requested()) {
    {
      MutexLock const lock(mutex_);
      pending_.fetch_sub(taken.size(), std::memory_order_relaxed);
      if (!taken.empty()) changed_.notify_all();
      taken.clear();
      writer_waits_ = queue_.empty();
      changed_.wait(mutex_, stop, [this]() BH_REQUIRES(mutex_) { return !queue_.empty(); });
      writer_waits_ = false;
      // A guest prints byte by byte: without this every byte would wake this thread.
      if (queue_.size() < kPiece) changed_.wait_for(mutex_, stop, kGather, [] { return false; });
      std::swap(taken, queue_);
    }
    std::string_view rest = taken;
    while (!rest.empty()) {
      auto const piece = rest.substr(0, kPiece);
      if (!write_piece(stop, piece)) break;
      rest.remove_prefix(piece.size());
    }
  }
  MutexLock const lock(mutex_);
  writer_done_ = true;
  changed_.notify_all();
}

/// False when asked to stop. What cannot be written at all counts as written, so that nobody waits
/// for it.
bool ConsoleOutput::write_piece(std::stop_token const& stop, std::string_view piece) {
  while (!piece.empty() && !stop.stop_requested()) {
    pollfd poll_fd{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&poll_fd, 1, kPollMilliseconds) <= 0) continue;
    ssize_t const count = ::write(fd_, piece.data(), piece.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) {
      int const error = errno;
      int none = 0;
      bool const first = first_error_.compare_exchange_strong(none, error);
      if (first && error == EPIPE) on_closed_();
      return true;
    }
    piece.remove_prefix(static_cast<std::size_t>(count));
  }
  return piece.empty();
}

}  // namespace bh::vmm
