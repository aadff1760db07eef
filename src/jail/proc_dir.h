#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// The kernel's own /proc, opened before anything of a container is near, and checked to be one.
/// The only way to write to /proc: a container may mount what it likes over its own.
class ProcDir {
 public:
  static Result<ProcDir> open();

  int fd() const { return folder_.get(); }

  /// `path` is relative, "self/attr/exec". No link, no other file system on the way.
  Result<> write(std::string const& path, std::string_view text) const;
  Result<std::string> read(std::string const& path) const;
  Result<os::UniqueFd> open_file(std::string const& path, int flags) const;

  /// The id of this process as this /proc counts, whatever namespace we are in.
  Result<pid_t> own_pid() const;
  /// Where an open descriptor of ours leads, as the kernel shows it.
  Result<std::string> path_of(int fd) const;

 private:
  explicit ProcDir(os::UniqueFd folder) : folder_(std::move(folder)) {}

  os::UniqueFd folder_;
};

}  // namespace bh::jail
