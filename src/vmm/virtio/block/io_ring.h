#pragma once

#include <liburing.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm::virtio {

/// Reads, writes and flushes of files that go on while others are asked for: an io_uring with an
/// event that tells of its completions. One thread uses it.
class IoRing {
 public:
  // As many as the largest queue has entries.
  static constexpr unsigned kEntries = 256;

  /// Errc::Unsupported where the host has no io_uring, or forbids it.
  static Result<std::unique_ptr<IoRing>> create();
  /// What is in flight must have ended: see wait().
  ~IoRing();
  IoRing(IoRing const&) = delete;

  /// Signalled by what completes later than in submit().
  os::UniqueFd const& event() const { return event_; }
  std::size_t in_flight() const { return in_flight_; }
  bool full() const { return in_flight_ == kEntries; }

  /// Adds an operation; not when full(). `vectors` and what they name stay until it has completed.
  void read(int file, std::span<iovec const> vectors, std::uint64_t offset, std::uint64_t token);
  void write(int file, std::span<iovec const> vectors, std::uint64_t offset, std::uint64_t token);
  void flush(int file, std::uint64_t token);
  /// Starts what was added; false if the host has no room for all of it at the moment.
  bool submit();
  /// Returns when at least one has completed, if any are in flight.
  void wait();

  /// Calls `done(token, result)` for what has completed: bytes, or -errno.
  template <typename Done>
  void reap(Done&& done) {
    io_uring_cqe* completion = nullptr;
    while (::io_uring_peek_cqe(&ring_, &completion) == 0) {
      std::uint64_t const token = completion->user_data;
      int const result = completion->res;
      ::io_uring_cqe_seen(&ring_, completion);
      --in_flight_;
      done(token, result);
    }
  }

 private:
  explicit IoRing(os::UniqueFd event) : event_(std::move(event)) {}

  io_uring_sqe* next();

  os::UniqueFd event_;
  io_uring ring_{};
  bool open_ = false;
  std::size_t in_flight_ = 0;
};

}  // namespace bh::vmm::virtio
