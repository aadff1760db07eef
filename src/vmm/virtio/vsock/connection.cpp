#include "vmm/virtio/vsock/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace bh::vmm::virtio {

void VsockConnection::take_credit(VsockHeader const& header) {
  guest_buffer_ = header.buffer_size;
  guest_forwarded_ = header.forwarded_count;
  if (credit() != 0) credit_requested = false;
}

std::uint32_t VsockConnection::credit() const {
  // Modulo 2^32; a guest that lies harms its own stream.
  std::uint32_t const used = sent_to_guest_ - guest_forwarded_;
  return used >= guest_buffer_ ? 0 : guest_buffer_ - used;
}

VsockConnection::Received VsockConnection::receive(std::span<Segment const> into) {
  std::array<iovec, 16> pieces;
  std::size_t count = 0;
  std::size_t room = credit();
  for (auto const& segment : into) {
    if (count == pieces.size() || room == 0) break;
    std::size_t const size = std::min(segment.bytes.size(), room);
    pieces[count++] = {.iov_base = segment.bytes.data(), .iov_len = size};
    room -= size;
  }
  if (count == 0) return {};
  ssize_t const bytes = ::readv(socket_.get(), pieces.data(), static_cast<int>(count));
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (bytes > 0) {
    sent_to_guest_ += static_cast<std::uint32_t>(bytes);
    return {.bytes = static_cast<std::uint32_t>(bytes)};
  }
  pollfd ends{.fd = socket_.get(), .events = 0, .revents = 0};
  bool const gone = bytes < 0 || (::poll(&ends, 1, 0) == 1 && (ends.revents & POLLHUP) != 0);
  return {.bytes = 0, .end = true, .hung_up = gone};
}

bool VsockConnection::queue(ChainReader& data, std::uint32_t length) {
  std::size_t const old = unsent_.size() - unsent_start_;
  if (length > kBufferSize - std::min<std::size_t>(old, kBufferSize)) return false;
  if (unsent_start_ != 0) {
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(unsent_start_));
    unsent_start_ = 0;
  }
  unsent_.resize(old + length);
  return data.read(std::span(unsent_).subspan(old)) == length;
}

bool VsockConnection::write_text(std::string_view text) {
  return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

bool VsockConnection::flush() {
  while (unsent_start_ < unsent_.size()) {
    auto const rest = std::span(unsent_).subspan(unsent_start_);
    ssize_t const count = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    unsent_start_ += static_cast<std::size_t>(count);
    forwarded_ += static_cast<std::uint32_t>(count);
  }
  unsent_.clear();
  unsent_start_ = 0;
  if (finishing_ && !std::exchange(shut_, true)) ::shutdown(socket_.get(), SHUT_WR);
  return true;
}

void VsockConnection::describe(VsockHeader& header) {
  header.buffer_size = kBufferSize;
  header.forwarded_count = told_forwarded_ = forwarded_;
}

}  // namespace bh::vmm::virtio
