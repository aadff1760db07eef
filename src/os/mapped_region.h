#pragma once

#include <cstddef>
#include <utility>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

/// Owns one mmap()ed range and unmaps it exactly once.
class MappedRegion {
 public:
  /// `protection` and `flags` as for mmap(2). `file` may be invalid for anonymous memory.
  static Result<MappedRegion> map(std::size_t size, int protection, int flags,
                                  UniqueFd const& file = {}, std::size_t offset = 0);

  MappedRegion() = default;
  MappedRegion(MappedRegion&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedRegion& operator=(MappedRegion&& other) noexcept;
  ~MappedRegion();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  MappedRegion(std::byte* data, std::size_t size) : data_(data), size_(size) {}

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace bh::os
