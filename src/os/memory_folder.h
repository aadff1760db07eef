#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace bh::os {

/// A folder whose files are in memory (tmpfs) and never on a disk. Only we can enter it, and other
/// mount namespaces see it empty: mounts of this process must be its own. Needs root. It goes with
/// this object; what is mounted elsewhere from it stays there.
class MemoryFolder {
 public:
  /// At `path`, which is made if it is not there.
  static Result<MemoryFolder> mount(std::string const& path);

  MemoryFolder(MemoryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  MemoryFolder& operator=(MemoryFolder&&) = delete;
  ~MemoryFolder();

  struct Owner {
    unsigned uid = 0;
    unsigned gid = 0;
    unsigned mode = 0400;
  };
  /// Makes a file there: its path.
  Result<std::string> add(std::string const& name, std::string_view text, Owner const& owner);

 private:
  explicit MemoryFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;  // Empty once moved from.
};

}  // namespace bh::os
