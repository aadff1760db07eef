#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "vmm/loop/worker.h"
#include "vmm/virtio/block/io_ring.h"
#include "vmm/virtio/block/request.h"

namespace bh::vmm::virtio {

/// Requests of a drive that are in flight, each until all its bytes are moved. All methods belong
/// to the worker's thread, but for create() and the destructor.
class AsyncRequests {
 public:
  /// Where a request came from, to be given back to.
  struct Origin {
    std::size_t queue = 0;
    std::uint16_t head = 0;
  };
  using OnDone = std::function<void(Origin origin, DeferredBlock const& request, bool ok)>;
  /// After each round of completions; and when it was woken.
  using OnRound = std::function<void()>;
  struct Callbacks {
    OnDone on_done;
    OnRound on_round;
    OnRound on_wake;
  };

  static Result<std::unique_ptr<AsyncRequests>> create(Worker& worker, Callbacks callbacks);
  /// Nothing may be in flight.
  ~AsyncRequests();
  AsyncRequests(AsyncRequests const&) = delete;

  bool full() const { return ring_->full(); }
  /// Adds a request of the file; not when full(). It runs after submit().
  void add(int file, Origin origin, DeferredBlock request);
  /// Starts what was added and reports what has ended by then.
  void submit();
  /// Has `on_wake` called, soon and from the loop.
  void wake();
  /// Returns when nothing is in flight.
  void drain();

 private:
  struct Flying {
    int file = -1;
    Origin origin;
    DeferredBlock request;
    std::vector<iovec> left;  // What is still to be moved; `offset` of the request goes along.
  };

  AsyncRequests(Worker& worker, std::unique_ptr<IoRing> ring, Callbacks callbacks)
      : worker_(worker), ring_(std::move(ring)), callbacks_(std::move(callbacks)) {}

  void start(std::uint64_t token);
  void reap();
  void completed(std::uint64_t token, int result);

  Worker& worker_;
  std::unique_ptr<IoRing> ring_;
  Callbacks callbacks_;
  std::vector<Flying> flying_;       // By token.
  std::vector<std::uint64_t> free_;  // Tokens nobody has.
};

}  // namespace bh::vmm::virtio
