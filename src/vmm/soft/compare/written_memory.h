#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bh::vmm::soft {

/// Pieces of guest RAM that instructions write, as they were and as they became.
class WrittenMemory {
 public:
  static constexpr std::size_t kLargest = 64;

  void clear() { writes_.clear(); }
  /// `size` bytes, at most kLargest, are about to be written.
  void before(std::uint64_t linear, std::byte* host, std::size_t size);
  std::size_t count() const { return writes_.size(); }
  /// Notes what is there now.
  void note_result();
  /// Makes all as it was.
  void undo() const;

  struct Change {
    std::uint64_t linear;  // Of the first byte that is not as noted.
    std::uint8_t noted;
    std::uint8_t found;
  };
  /// The places that are not as note_result() saw them.
  std::vector<Change> changes() const;

 private:
  struct Write {
    std::uint64_t linear;
    std::byte* host;
    std::size_t size;
    std::array<std::byte, kLargest> old;
    std::array<std::byte, kLargest> made;
  };

  std::vector<Write> writes_;
};

}  // namespace bh::vmm::soft
