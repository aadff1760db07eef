#pragma once

#include <string>
#include <vector>

#include "os/unique_fd.h"

namespace bh::image::build {

/// Files and folders that a container's mounts stand on and that its image does not have: made by
/// the runtime, and taken away again by remove().
class MountPoints {
 public:
  /// Before the container: `root` is its root file system.
  explicit MountPoints(int root) : root_(root) {}
  void expect(std::string const& path);
  /// After it. What is not empty any more stays.
  void remove() const;

 private:
  int root_;
  std::vector<std::string> missing_;
};

}  // namespace bh::image::build
