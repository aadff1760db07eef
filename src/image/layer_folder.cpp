#include "image/layer_folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "image/file_attributes.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

/// "a/b" and "c" of "a/b/c".
std::pair<std::string, std::string> split(std::string const& path) {
  auto const slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::unexpected<Error> through_link(std::string const& path) {
  return fail(Errc::Denied, "\"" + path +
                                "\" goes through a symbolic link or a file; folders of a layer "
                                "must be folders");
}

}  // namespace

LayerFolder::LayerFolder(os::UniqueFd folder, Replace replace)
    : root_(std::move(folder)), replace_(replace), gives_files_away_(may_give_files_away()) {}

Result<os::UniqueFd> LayerFolder::open_beneath(std::string const& path, int flags) const {
  ::open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  long fd = -1;
  do {
    fd = ::syscall(SYS_openat2, root_.get(), path.empty() ? "." : path.c_str(), &how, sizeof how);
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd >= 0) return os::UniqueFd(static_cast<int>(fd));
  if (errno == ELOOP || errno == ENOTDIR) return through_link(path);
  return fail_errno("open \"" + path + "\" of the layer", errno);
}

Result<int> LayerFolder::folder_at(std::string const& path) {
  if (path.empty()) return root_.get();
  if (last_folder_.valid() && path == last_path_) return last_folder_.get();
  auto folder = open_beneath(path, O_PATH | O_DIRECTORY);
  auto const hidden = names_.find(path);
  bool const in_place_of_whiteout =
      !folder && hidden != names_.end() && hidden->second == Seen::Whiteout;
  if (in_place_of_whiteout || (!folder && folder.error().code == Errc::NotFound)) {
    auto const [above, name] = split(path);
    int const parent = BH_TRY(folder_at(above));
    BH_TRY(clear(parent, name, path, true));
    if (::mkdirat(parent, name.c_str(), 0755) != 0 && errno != EEXIST) {
      return fail_errno("make folder \"" + path + "\"", errno);
    }
    if (in_place_of_whiteout) {
      hidden->second = Seen::WhiteoutThenPresent;
      BH_TRY(make_opaque(path));
    }
    folder = open_beneath(path, O_PATH | O_DIRECTORY);
  }
  if (!folder) return std::unexpected(std::move(folder).error());
  last_folder_ = std::move(*folder);
  last_path_ = path;
  return last_folder_.get();
}

/// Removes what an earlier entry has put where another wants to be.
Result<> LayerFolder::clear(int parent, std::string const& name, std::string const& path,
                            bool for_folder) {
  struct stat info{};
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno("stat \"" + path + "\"", errno);
  }
  if (replace_ == Replace::SameKind && S_ISDIR(info.st_mode) != for_folder) {
    return fail(Errc::Exists, "\"" + path + "\" is " + (for_folder ? "no folder" : "a folder") +
                                  " there already, and is not replaced (remove it first)");
  }
  if (S_ISDIR(info.st_mode)) {
    if (for_folder) return {};
    // Our descriptor may be of a folder in it.
    last_folder_.reset();
    return os::remove_tree(parent, name);
  }
  if (::unlinkat(parent, name.c_str(), 0) != 0) return fail_errno("remove \"" + path + "\"", errno);
  return {};
}

Result<> LayerFolder::take(Entry const& entry, Content& content) {
  if (entry.kind == EntryKind::Whiteout) return whiteout(entry);
  if (entry.kind == EntryKind::Opaque) return make_opaque(entry.path);
  if (entry.path.empty()) {
    folders_.push_back(entry);
    return set_attributes(root_.get(), entry);
  }
  auto const [above, name] = split(entry.path);
  int const parent = BH_TRY(folder_at(above));
  return make(entry, parent, name, content);
}

Result<> LayerFolder::make(Entry const& entry, int parent, std::string const& name,
                           Content& content) {
  bool const is_folder = entry.kind == EntryKind::Folder;
  auto const seen = names_.find(entry.path);
  BH_TRY(clear(parent, name, entry.path, is_folder));
  Result<> made;
  switch (entry.kind) {
    case EntryKind::File: made = make_file(entry, parent, name, content); break;
    case EntryKind::Folder: made = make_folder(entry, parent, name); break;
    case EntryKind::HardLink: made = make_link(entry, parent, name); break;
    case EntryKind::SymbolicLink:
      if (::symlinkat(entry.link.c_str(), parent, name.c_str()) != 0) {
        return fail_errno("make symbolic link \"" + entry.path + "\"", errno);
      }
      made = set_owner_and_times(parent, name, entry, gives_files_away_);
      break;
    default:
      if (::mkfifoat(parent, name.c_str(), entry.mode & 0777) != 0) {
        return fail_errno("make pipe \"" + entry.path + "\"", errno);
      }
      made = set_owner_and_times(parent, name, entry, gives_files_away_);
      break;
  }
  BH_TRY(std::move(made));
  // The whiteout was for lower layers; the folder that comes in its place shows nothing of them.
  if (seen != names_.end()) {
    seen->second = Seen::WhiteoutThenPresent;
    if (is_folder) return make_opaque(entry.path);
  }
  return {};
}

Result<> LayerFolder::make_file(Entry const& entry, int parent, std::string const& name,
                                Content& content) {
  auto const file =
      BH_TRY(os::open_at(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0600));
  std::uint64_t end = 0;
  while (true) {
    auto piece = BH_TRY(content.next());
    if (piece.bytes.empty()) break;
    if (piece.offset + piece.bytes.size() > entry.size) {
      return fail(Errc::Corrupt, "\"" + entry.path + "\" is longer than its header says");
    }
    while (!piece.bytes.empty()) {
      ssize_t const count = ::pwrite(file.get(), piece.bytes.data(), piece.bytes.size(),
                                     static_cast<off_t>(piece.offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("write \"" + entry.path + "\"", errno);
      piece.bytes = piece.bytes.subspan(static_cast<std::size_t>(count));
      piece.offset += static_cast<std::uint64_t>(count);
    }
    end = piece.offset;
  }
  // The end of a sparse file may be a hole.
  if (end < entry.size && ::ftruncate(file.get(), static_cast<off_t>(entry.size)) != 0) {
    return fail_errno("truncate \"" + entry.path + "\"", errno);
  }
  return set_all(file.get(), entry, gives_files_away_);
}

Result<> LayerFolder::make_folder(Entry const& entry, int parent, std::string const& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_errno("make folder \"" + entry.path + "\"", errno);
  }
  folders_.push_back(entry);
  if (entry.attributes.empty()) return {};
  auto const folder = BH_TRY(open_beneath(entry.path, O_RDONLY | O_DIRECTORY));
  return set_attributes(folder.get(), entry);
}

Result<> LayerFolder::make_link(Entry const& entry, int parent, std::string const& name) {
  auto const [above, target] = split(entry.link);
  auto const folder = BH_TRY(open_beneath(above, O_PATH | O_DIRECTORY));
  struct stat info{};
  if (::fstatat(folder.get(), target.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
      S_ISDIR(info.st_mode) || S_ISCHR(info.st_mode)) {
    return fail(Errc::Corrupt, "\"" + entry.path + "\" is a hard link to \"" + entry.link +
                                   "\", which is no file of this layer");
  }
  if (::linkat(folder.get(), target.c_str(), parent, name.c_str(), 0) != 0) {
    return fail_errno("link \"" + entry.path + "\" to \"" + entry.link + "\"", errno);
  }
  return {};
}

Result<> LayerFolder::whiteout(Entry const& entry) {
  auto const [above, name] = split(entry.path);
  int const parent = BH_TRY(folder_at(above));
  auto const [seen, fresh] = names_.try_emplace(entry.path, Seen::Whiteout);
  struct stat info{};
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    // What this layer has by that name stays, wherever the whiteout stands.
    if (fresh) seen->second = Seen::WhiteoutThenPresent;
    return S_ISDIR(info.st_mode) ? make_opaque(entry.path) : Result<>();
  }
  // 0:0 may be made without root: it is no device (vfs_mknod() in fs/namei.c).
  if (::mknodat(parent, name.c_str(), S_IFCHR, makedev(0, 0)) != 0) {
    return fail_errno("make whiteout \"" + entry.path + "\"", errno);
  }
  return {};
}

Result<> LayerFolder::make_opaque(std::string const& path) {
  int const parent = BH_TRY(folder_at(path));
  auto const folder = BH_TRY(os::open_at(parent, ".", O_RDONLY | O_DIRECTORY));
  // Who may not set the first kind mounts with the option userxattr, which reads the second.
  for (auto const* const name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    if (::fsetxattr(folder.get(), name, "y", 1, 0) == 0) return {};
    if (errno != EPERM) break;
  }
  return fail_errno("mark folder \"" + path + "\" as opaque", errno);
}

Result<> LayerFolder::finish() {
  last_folder_.reset();
  // The deepest first: to set a folder's mode may close it for us.
  for (auto entry = folders_.rbegin(); entry != folders_.rend(); ++entry) {
    auto const folder = open_beneath(entry->path, O_RDONLY | O_DIRECTORY);
    // Something else has come in its place.
    if (!folder && folder.error().code != Errc::Io) continue;
    if (!folder) return std::unexpected(folder.error());
    BH_TRY(set_owner_mode_and_times(folder->get(), *entry, gives_files_away_));
  }
  return {};
}

}  // namespace bh::image
