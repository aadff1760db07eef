#include "os/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "os/text_file.h"

namespace bh::os {

namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Listing = std::unique_ptr<DIR, CloseFolder>;

Result<Listing> open_listing(int folder, std::string const& path) {
  auto fd = BH_TRY(open_at(folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  Listing listing(::fdopendir(fd.get()));
  if (!listing) return fail_errno("read folder " + path, errno);
  (void)fd.release();
  return listing;
}

bool is_dots(std::string_view name) {
  return name == "." || name == "..";
}

Result<> remove_folder(int folder, std::string const& path) {
  // Folders inside first; their depth is bounded by what the kernel lets exist under one path, and
  // by who made them (image/limits.h).
  auto const listing = BH_TRY(open_listing(folder, path));
  int const inside = ::dirfd(listing.get());
  while (auto const* const entry = ::readdir(listing.get())) {
    if (is_dots(entry->d_name)) continue;
    if (::unlinkat(inside, entry->d_name, 0) == 0 || errno == ENOENT) continue;
    if (errno != EISDIR && errno != EPERM) return fail_errno("remove " + path, errno);
    // A folder of mode 0 would not be listed without root.
    ::fchmodat(inside, entry->d_name, 0700, 0);
    BH_TRY(remove_folder(inside, entry->d_name));
  }
  if (::unlinkat(folder, path.c_str(), AT_REMOVEDIR) != 0) {
    return fail_errno("remove folder " + path, errno);
  }
  return {};
}

}  // namespace

Result<> make_folders(std::string const& path, unsigned mode) {
  for (auto end = path.find('/', 1);; end = path.find('/', end + 1)) {
    auto const part = path.substr(0, end);
    if (::mkdir(part.c_str(), end == path.npos ? mode : 0755) != 0 && errno != EEXIST) {
      return fail_errno("make folder " + part, errno);
    }
    if (end == path.npos) return {};
  }
}

Result<UniqueFd> open_folder(std::string const& path) {
  return open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
}

Result<std::vector<std::string>> names_in(int folder, std::string const& path) {
  std::vector<std::string> names;
  auto const listing = open_listing(folder, path);
  if (!listing && listing.error().code == Errc::NotFound) return names;
  if (!listing) return std::unexpected(listing.error());
  while (auto const* const entry = ::readdir(listing->get())) {
    if (!is_dots(entry->d_name)) names.emplace_back(entry->d_name);
  }
  return names;
}

Result<> remove_tree(int folder, std::string const& path) {
  if (::unlinkat(folder, path.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return fail_errno("remove " + path, errno);
  ::fchmodat(folder, path.c_str(), 0700, 0);
  return remove_folder(folder, path);
}

}  // namespace bh::os
