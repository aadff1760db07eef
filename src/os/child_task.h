#pragma once

#include <sys/types.h>

#include <functional>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

/// Something that a copy of this process does, and that changes nothing of ours. In a process of
/// one thread, which waits for each.
class ChildTask {
 public:
  static Result<ChildTask> start(std::function<Result<>()> const& action);

  /// Its error, if it has one.
  Result<> wait();

 private:
  ChildTask(pid_t pid, UniqueFd errors) : pid_(pid), errors_(std::move(errors)) {}

  pid_t pid_;
  UniqueFd errors_;
};

/// Does it and waits for it.
Result<> in_child(std::function<Result<>()> const& action);

}  // namespace bh::os
