#pragma once

#include <cstdint>

#include "base/error.h"
#include "container/spec/spec.h"
#include "jail/root_dir.h"
#include "os/unique_fd.h"

namespace bh::container {

/// A pseudo-terminal of the container's own devpts.
class Console {
 public:
  /// Opens /dev/pts/ptmx below the root, if it is one.
  static Result<Console> open(jail::RootDir const& root);

  int master() const { return master_.get(); }
  int terminal() const { return terminal_.get(); }
  Result<> resize(ConsoleSize size) const;
  /// Makes it the controlling terminal and standard input, output and error of this process, which
  /// leads a session. It will belong to `user`.
  Result<> take_over(std::uint32_t user);

 private:
  Console(os::UniqueFd master, os::UniqueFd terminal)
      : master_(std::move(master)), terminal_(std::move(terminal)) {}

  os::UniqueFd master_;
  os::UniqueFd terminal_;
};

}  // namespace bh::container
