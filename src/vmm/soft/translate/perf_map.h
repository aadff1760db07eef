#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm::soft {

/// Tells perf(1) what translated code is: /tmp/perf-PID.map, a line a block. Code that took the
/// place of earlier code is the one perf goes by. Any thread.
class PerfMap {
 public:
  static Result<std::unique_ptr<PerfMap>> create();

  /// `rip`: of the block's first instruction.
  void add(std::uint64_t host_address, std::size_t size, std::uint64_t rip, bool user);

 private:
  explicit PerfMap(os::UniqueFd file) : file_(std::move(file)) {}

  os::UniqueFd file_;  // A write is a whole line, and O_APPEND.
};

}  // namespace bh::vmm::soft
