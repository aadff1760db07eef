#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

enum class LockKind : std::uint8_t { Shared, Exclusive };

/// A lock between processes (flock(2)) on a file, which is made if it is not there. It ends with
/// this object, or with the process that holds it.
class FileLock {
 public:
  /// Waits for it. `folder` as for openat(2).
  static Result<FileLock> lock(int folder, std::string const& path, LockKind kind);
  /// Nothing if somebody else has it.
  static Result<std::optional<FileLock>> try_lock(int folder, std::string const& path,
                                                  LockKind kind);

  /// Waits for the lock of an open file, of whatever kind.
  static Result<FileLock> lock(UniqueFd file, LockKind kind);

  /// The locked file.
  UniqueFd const& file() const { return file_; }

  /// Removes the file, if it is still the one at `path`: who waits for it will make another.
  void remove(int folder, std::string const& path) const;

 private:
  explicit FileLock(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
};

}  // namespace bh::os
