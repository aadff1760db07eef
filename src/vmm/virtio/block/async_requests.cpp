#include "vmm/virtio/block/async_requests.h"

#include <cerrno>
#include <cstring>

#include "vmm/loop/event.h"
#include "vmm/virtio/block/layout.h"

namespace bh::vmm::virtio {

Result<std::unique_ptr<AsyncRequests>> AsyncRequests::create(Worker& worker, Callbacks callbacks) {
  auto ring = BH_TRY(IoRing::create());
  std::unique_ptr<AsyncRequests> requests(
      new AsyncRequests(worker, std::move(ring), std::move(callbacks)));
  requests->flying_.resize(IoRing::kEntries);
  for (std::uint64_t token = 0; token < IoRing::kEntries; ++token) requests->free_.push_back(token);
  Result<> watched;
  worker.run_and_wait([&, self = requests.get()] {
    watched = worker.loop().watch(self->ring_->event().get(), [self] {
      clear_event(self->ring_->event());
      self->submit();
      self->callbacks_.on_wake();
    });
  });
  BH_TRY(std::move(watched));
  return requests;
}

AsyncRequests::~AsyncRequests() {
  worker_.run_and_wait([this] { worker_.loop().forget(ring_->event().get()); });
}

void AsyncRequests::add(int file, Origin origin, DeferredBlock request) {
  auto const token = free_.back();
  free_.pop_back();
  auto& flying = flying_[token];
  flying.file = file;
  flying.origin = origin;
  flying.request = std::move(request);
  flying.left.clear();
  for (auto const& part : flying.request.parts) {
    flying.left.push_back({.iov_base = part.bytes.data(), .iov_len = part.bytes.size()});
  }
  start(token);
}

void AsyncRequests::start(std::uint64_t token) {
  auto const& flying = flying_[token];
  switch (flying.request.type) {
    case kBlockIn: ring_->read(flying.file, flying.left, flying.request.offset, token); break;
    case kBlockOut: ring_->write(flying.file, flying.left, flying.request.offset, token); break;
    default: ring_->flush(flying.file, token); break;
  }
}

void AsyncRequests::submit() {
  bool const all = ring_->submit();
  reap();
  if (!all) wake();
}

void AsyncRequests::wake() {
  signal_event(ring_->event());
}

void AsyncRequests::drain() {
  while (ring_->in_flight() != 0) {
    ring_->wait();
    reap();
  }
}

void AsyncRequests::reap() {
  bool any = false;
  ring_->reap([&](std::uint64_t token, int result) {
    any = true;
    completed(token, result);
  });
  // What was moved in part goes on.
  if (any && !ring_->submit()) wake();
  if (any) callbacks_.on_round();
}

void AsyncRequests::completed(std::uint64_t token, int result) {
  auto& flying = flying_[token];
  auto& left = flying.left;
  if (result == -EINTR || result == -EAGAIN) {
    return start(token);
  }
  auto moved = static_cast<std::size_t>(result < 0 ? 0 : result);
  flying.request.offset += moved;
  while (!left.empty() && moved >= left.front().iov_len) {
    moved -= left.front().iov_len;
    left.erase(left.begin());
  }
  if (!left.empty() && moved != 0) {
    left.front().iov_base = static_cast<char*>(left.front().iov_base) + moved;
    left.front().iov_len -= moved;
  }
  bool ok = result >= 0;
  if (ok && !left.empty()) {
    if (result > 0) return start(token);
    // The file has shrunk: zeros, as transfer() has it. A write that moves nothing has failed.
    ok = flying.request.type == kBlockIn;
    for (auto const& part : left) {
      if (ok) std::memset(part.iov_base, 0, part.iov_len);
    }
  }
  auto const request = std::move(flying.request);
  free_.push_back(token);
  callbacks_.on_done(flying.origin, request, ok);
}

}  // namespace bh::vmm::virtio
