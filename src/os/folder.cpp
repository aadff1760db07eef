#include "os/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
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

/// Removes folders that somebody may have put into one another as deep as they like: each level
/// costs a descriptor and some stack, so what is too deep is moved to the top first.
class Removal {
 public:
  Result<> remove(int folder, std::string const& path) {
    while (true) {
      auto const moved = moved_;
      BH_TRY(empty(folder, path, 0));
      if (::unlinkat(folder, path.c_str(), AT_REMOVEDIR) == 0) return {};
      if (errno != ENOTEMPTY || moved == moved_) return fail_errno("remove folder " + path, errno);
    }
  }

 private:
  static constexpr unsigned kDeepest = 200;

  Result<> empty(int folder, std::string const& path, unsigned depth) {
    auto const listing = BH_TRY(open_listing(folder, path));
    int const inside = ::dirfd(listing.get());
    if (depth == 0) top_ = inside;
    while (auto const* const entry = ::readdir(listing.get())) {
      if (is_dots(entry->d_name)) continue;
      if (::unlinkat(inside, entry->d_name, 0) == 0 || errno == ENOENT) continue;
      if (errno != EISDIR && errno != EPERM) return fail_errno("remove " + path, errno);
      // A folder of mode 0 would not be listed without root.
      ::fchmodat(inside, entry->d_name, 0700, 0);
      if (depth == kDeepest) {
        BH_TRY(move_to_top(inside, entry->d_name));
        continue;
      }
      BH_TRY(empty(inside, entry->d_name, depth + 1));
      if (::unlinkat(inside, entry->d_name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return fail_errno("remove folder " + path + "/" + entry->d_name, errno);
      }
    }
    return {};
  }

  Result<> move_to_top(int folder, char const* name) {
    // Where a file has the name already; an empty folder of that name is no loss.
    constexpr int kTries = 1000;
    for (int i = 0; i < kTries; ++i) {
      auto const fresh = ".deep" + std::to_string(moved_++);
      if (::renameat(folder, name, top_, fresh.c_str()) == 0) return {};
      if (errno != ENOTDIR && errno != ENOTEMPTY && errno != EEXIST) break;
    }
    return fail_errno("move " + std::string(name), errno);
  }

  int top_ = -1;
  std::uint64_t moved_ = 0;
};

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
  return Removal().remove(folder, path);
}

}  // namespace bh::os
