#pragma once

#include <string>
#include <string_view>

namespace bh::machine {

/// Bytes on their way into a descriptor that does not block. Whoever fills it looks at size() and
/// stops in time.
class OutQueue {
 public:
  /// Takes in what `bytes` has and writes what can be written. False once nobody reads.
  bool put(int fd, std::string_view bytes) {
    if (broken_) return false;
    bytes_ += bytes;
    return flush(fd);
  }
  bool flush(int fd);

  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  bool broken() const { return broken_; }

 private:
  std::string bytes_;
  bool broken_ = false;
};

}  // namespace bh::machine
