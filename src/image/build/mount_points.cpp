#include "image/build/mount_points.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "image/build/root_path.h"

namespace bh::image::build {

void MountPoints::expect(std::string const& path) {
  for (auto part = path; part.size() > 1; part.resize(part.rfind('/'))) {
    if (open_in_root(root_, part, O_PATH | O_NOFOLLOW)) return;
    missing_.push_back(part);
  }
}

void MountPoints::remove() const {
  auto deepest_first = missing_;
  std::ranges::sort(deepest_first, std::greater(), &std::string::size);
  for (auto const& path : deepest_first) {
    auto const slash = path.rfind('/');
    auto const name = path.substr(slash + 1);
    auto const folder = open_in_root(root_, path.substr(0, slash) + "/", O_PATH | O_DIRECTORY);
    struct stat info{};
    if (!folder || ::fstatat(folder->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    if (S_ISDIR(info.st_mode)) {
      ::unlinkat(folder->get(), name.c_str(), AT_REMOVEDIR);
    } else if (S_ISREG(info.st_mode) && info.st_size == 0) {
      ::unlinkat(folder->get(), name.c_str(), 0);
    }
  }
}

}  // namespace bh::image::build
