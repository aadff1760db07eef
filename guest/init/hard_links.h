#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bh::init {

/// Under which path a file with several names was seen first. As many as there is room for: a file
/// that is not found is another file to whoever asks, and its content is all the same.
class HardLinks {
 public:
  /// The path added earlier for `inode`; empty, and `path` is added, if there is none.
  std::string_view find_or_add(std::uint64_t inode, std::string_view path);

 private:
  struct Link {
    std::uint64_t inode;
    std::uint32_t start;
    std::uint32_t size;
  };

  std::array<Link, 1024> links_{};
  std::size_t count_ = 0;
  std::array<char, std::size_t{128} * 1024> paths_{};
  std::size_t used_ = 0;
};

}  // namespace bh::init
