#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace bh::os {

/// A folder only we can enter, which goes with all that is in it when this object ends.
class TemporaryFolder {
 public:
  /// Below $TMPDIR or /tmp; its name starts with `prefix`.
  static Result<TemporaryFolder> create(std::string_view prefix);
  /// Below the folder `parent`.
  static Result<TemporaryFolder> create_in(std::string_view parent, std::string_view prefix);

  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  std::string const& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace bh::os
