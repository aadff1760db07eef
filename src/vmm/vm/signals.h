#pragma once

#include <optional>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm {

/// The signals that ask the process to end (SIGTERM, SIGINT, SIGHUP, SIGQUIT), as a file
/// descriptor. Made before any thread is, so that all threads have them blocked.
class TerminationSignals {
 public:
  static Result<TerminationSignals> create();

  /// Readable while a signal waits.
  os::UniqueFd const& fd() const { return fd_; }
  /// The next signal that waits, if any. Never blocks.
  std::optional<int> take() const;

 private:
  explicit TerminationSignals(os::UniqueFd fd) : fd_(std::move(fd)) {}

  os::UniqueFd fd_;
};

/// Makes the signals that kill a process for what it did wrong (bad memory access, limits) put the
/// terminal back, say a line on standard error and end it with Firecracker's exit codes. SIGPIPE
/// is ignored: writes report it. Once, early in main().
void handle_fatal_signals();

}  // namespace bh::vmm
