#include "vmm/virtio/block/io_ring.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "vmm/loop/event.h"

namespace bh::vmm::virtio {

namespace {

std::unexpected<Error> refuse(int error) {
  return fail(Errc::Unsupported, std::string("io_uring: ") + std::strerror(error) +
                                     "; use \"io_engine\": \"Sync\" on this host");
}

}  // namespace

Result<std::unique_ptr<IoRing>> IoRing::create() {
  auto event = BH_TRY(create_event());
  std::unique_ptr<IoRing> ring(new IoRing(std::move(event)));
  if (int const error = ::io_uring_queue_init(kEntries, &ring->ring_, 0); error != 0) {
    return refuse(-error);
  }
  ring->open_ = true;
  int const error = ::io_uring_register_eventfd_async(&ring->ring_, ring->event_.get());
  if (error != 0) return refuse(-error);
  return ring;
}

IoRing::~IoRing() {
  if (open_) ::io_uring_queue_exit(&ring_);
}

io_uring_sqe* IoRing::next() {
  // Never without room: the ring takes as many as may be in flight.
  ++in_flight_;
  return ::io_uring_get_sqe(&ring_);
}

void IoRing::read(int file, std::span<iovec const> vectors, std::uint64_t offset,
                  std::uint64_t token) {
  auto* const entry = next();
  ::io_uring_prep_readv(entry, file, vectors.data(), static_cast<unsigned>(vectors.size()), offset);
  entry->user_data = token;
}

void IoRing::write(int file, std::span<iovec const> vectors, std::uint64_t offset,
                   std::uint64_t token) {
  auto* const entry = next();
  ::io_uring_prep_writev(entry, file, vectors.data(), static_cast<unsigned>(vectors.size()),
                         offset);
  entry->user_data = token;
}

void IoRing::flush(int file, std::uint64_t token) {
  auto* const entry = next();
  ::io_uring_prep_fsync(entry, file, IORING_FSYNC_DATASYNC);
  entry->user_data = token;
}

bool IoRing::submit() {
  while (::io_uring_sq_ready(&ring_) != 0) {
    int const count = ::io_uring_submit(&ring_);
    if (count < 0 && count != -EINTR) return false;
  }
  return true;
}

void IoRing::wait() {
  if (in_flight_ == 0) return;
  int result = 0;
  do {
    result = ::io_uring_submit_and_wait(&ring_, 1);
  } while (result == -EINTR);
}

}  // namespace bh::vmm::virtio
