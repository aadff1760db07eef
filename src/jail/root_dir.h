#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// The root folder of a container, whose content is hostile. This is the only way to reach files
/// below it: the kernel resolves each path as if chroot(2) had been called, follows no link of
/// /proc, and the caller gets a descriptor and never a path to use again.
class RootDir {
 public:
  /// `folder` refers to the root: an O_PATH descriptor or one of open_tree(2).
  explicit RootDir(os::UniqueFd folder) : folder_(std::move(folder)) {}

  int fd() const { return folder_.get(); }

  /// `flags` are of open(2); O_PATH for a descriptor that only names the file.
  Result<os::UniqueFd> open(std::string_view path, std::uint64_t flags) const;
  /// The same, but a symbolic link anywhere in `path` is an error.
  Result<os::UniqueFd> open_without_links(std::string_view path, std::uint64_t flags) const;

  /// An O_PATH descriptor of the folder `path`, which is made if it is not there, with what is
  /// above it (mode 0755).
  Result<os::UniqueFd> make_folder(std::string_view path) const;
  /// The same for an empty file.
  Result<os::UniqueFd> make_file(std::string_view path) const;
  /// The folder that holds `path`, made if it is not there; `name` becomes the last part of `path`.
  Result<os::UniqueFd> make_parent(std::string_view path, std::string& name) const;

 private:
  Result<os::UniqueFd> resolve(std::string_view path, std::uint64_t flags, std::uint64_t how) const;

  os::UniqueFd folder_;
};

/// "/a//b/./c/" is "a/b/c"; ".." stays, since only the kernel knows what it means behind a link.
std::string relative_path(std::string_view path);

}  // namespace bh::jail
