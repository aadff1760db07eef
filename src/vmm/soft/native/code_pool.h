#pragma once

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

  /// Forgets everything added.
  void clear() { used_ = 0; }

  bool contains(std::uint64_t host_address) const {
    auto const start = reinterpret_cast<std::uint64_t>(executable_.data());
    return host_address - start < used_;
  }

 private:
  CodePool(os::MappedRegion writable, os::MappedRegion executable)
      : writable_(std::move(writable)), executable_(std::move(executable)) {}

  os::MappedRegion writable_;
  os::MappedRegion executable_;
  std::size_t used_ = 0;
};

}  // namespace bh::vmm::soft
