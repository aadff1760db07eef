#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "os/mapped_region.h"

namespace bh::vmm::soft {

/// Memory for generated machine code, mapped twice so that no page is ever writable and executable
/// at one address. One vCPU's; no locking.
class CodePool {
 public:
  static Result<CodePool> create(std::size_t size);

  /// Copies `code` in, 16-byte aligned; nullptr when the pool is full. The result is executable.
  void* add(std::span<std::uint8_t const> code);

  /// The unused end: what is written to room() will run at next_address(), once taken.
  std::span<std::uint8_t> room() {
    return {reinterpret_cast<std::uint8_t*>(writable_.data()) + used_, writable_.size() - used_};
  }
  std::uint64_t next_address() const {
    return reinterpret_cast<std::uint64_t>(executable_.data()) + used_;
  }
  void take(std::size_t size);

  /// Where to write what runs at `address`, which contains() must hold.
  std::uint8_t* writable(std::uint64_t address) {
    auto const start = reinterpret_cast<std::uint64_t>(executable_.data());
    return reinterpret_cast<std::uint8_t*>(writable_.data()) + (address - start);
  }

  /// All of it, used or not, where it runs.
  std::span<std::byte const> code() const { return {executable_.data(), executable_.size()}; }
  std::size_t used() const { return used_; }
  /// Forgets everything added, or everything beyond the first `keep` bytes.
  void clear(std::size_t keep = 0) { used_ = written_ = keep; }

  bool contains(std::uint64_t host_address) const {
    auto const start = reinterpret_cast<std::uint64_t>(executable_.data());
    return host_address - start < used_;
  }

 private:
  static constexpr std::size_t kAlignment = 16;

  CodePool(os::MappedRegion writable, os::MappedRegion executable)
      : writable_(std::move(writable)), executable_(std::move(executable)) {}

  os::MappedRegion writable_;
  os::MappedRegion executable_;
  std::size_t used_ = 0;
  std::size_t written_ = 0;  // Up to here the writable mapping holds no pages.
};

}  // namespace bh::vmm::soft
