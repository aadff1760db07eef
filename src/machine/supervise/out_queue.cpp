#include "machine/supervise/out_queue.h"

#include <unistd.h>

#include <cerrno>

namespace bh::machine {

bool OutQueue::flush(int fd) {
  std::size_t done = 0;
  while (!broken_ && done < bytes_.size()) {
    ssize_t const count = ::write(fd, bytes_.data() + done, bytes_.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) broken_ = true;
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  bytes_.erase(0, done);
  if (broken_) bytes_.clear();
  return !broken_;
}

}  // namespace bh::machine
