#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "os/unique_fd.h"
#include "vmm/virtio/fs/outcome.h"

namespace bh::vmm::virtio {

/// Files and folders that the guest has open, by the numbers it knows them by.
class Handles {
 public:
  explicit Handles(std::size_t limit) : limit_(limit) {}

  /// EMFILE at the limit.
  Outcome<std::uint64_t> add(os::UniqueFd file) {
    if (files_.size() >= limit_) return refuse(EMFILE);
    files_.emplace(next_, std::move(file));
    return next_++;
  }
  /// Stays this object's; EBADF if there is none.
  Outcome<int> descriptor(std::uint64_t handle) const {
    auto const found = files_.find(handle);
    if (found == files_.end()) return refuse(EBADF);
    return found->second.get();
  }
  void close(std::uint64_t handle) { files_.erase(handle); }
  void clear() { files_.clear(); }

 private:
  std::size_t limit_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, os::UniqueFd> files_;
};

}  // namespace bh::vmm::virtio
