#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "vmm/memory/guest_memory.h"

namespace bh::vmm::virtio {

/// A piece of guest RAM that a descriptor names; it was checked to be RAM.
struct Segment {
  GuestAddress address;
  std::span<std::byte> bytes;  // guest-controlled: copy, check the copy
};

/// A buffer the driver made available: what the device reads, then what it writes.
///
/// Filled by Queue::pop() and given back with Queue::push(). The segments stay valid as long as the
/// guest's memory; what they hold can change at any time.
struct Chain {
  std::uint16_t head = 0;
  std::vector<Segment> readable;
  std::vector<Segment> writable;
};

/// Total of the segments' sizes; a chain's is below 4 GiB.
std::uint32_t total_size(std::span<Segment const> segments);

/// Reads segments from the front to the back, each byte once.
class ChainReader {
 public:
  explicit ChainReader(std::span<Segment const> segments) : segments_(segments) {}

  /// Copies up to out.size() bytes and returns how many there were.
  std::size_t read(std::span<std::byte> out);
  /// Nothing if less than a whole object is left; then it is used up all the same.
  template <typename T>
  std::optional<T> read_object() {
    static_assert(std::is_trivially_copyable_v<T>);
    T object;
    if (read(std::as_writable_bytes(std::span(&object, 1))) != sizeof object) return std::nullopt;
    return object;
  }
  std::uint32_t left() const;
  void skip(std::size_t bytes);
  /// What is left as segments, at most `most` bytes of it; marks it read.
  void take(std::size_t most, std::vector<Segment>& out);

 protected:
  std::span<Segment const> segments_;
  std::size_t offset_ = 0;  // Into the first of segments_.
};

/// The same for writing: take() hands out segments for others to write to, who then tell `memory`.
class ChainWriter : private ChainReader {
 public:
  ChainWriter(GuestMemory& memory, std::span<Segment const> segments)
      : ChainReader(segments), memory_(&memory) {}

  /// Copies as much as fits and returns how much did.
  std::size_t write(std::span<std::byte const> data);
  template <typename T>
  bool write_object(T const& object) {
    static_assert(std::is_trivially_copyable_v<T>);
    return write(std::as_bytes(std::span(&object, 1))) == sizeof object;
  }
  using ChainReader::left;
  using ChainReader::skip;
  using ChainReader::take;

  std::uint32_t written() const { return written_; }

 private:
  GuestMemory* memory_;
  std::uint32_t written_ = 0;
};

}  // namespace bh::vmm::virtio
