#include "image/folder_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "image/layer_entry.h"
#include "image/limits.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

struct FreeArchive {
  void operator()(archive* archive) const { ::archive_write_free(archive); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};

class FolderTar {
 public:
  FolderTar(TarOptions const& options, TarOutput const& write)
      : options_(options), write_(write), out_(::archive_write_new()) {}

  Result<> open() {
    ::archive_write_set_format_pax_restricted(out_.get());
    ::archive_write_set_bytes_in_last_block(out_.get(), 1);
    if (::archive_write_open(out_.get(), this, nullptr, put, nullptr) != ARCHIVE_OK) {
      return failure();
    }
    return {};
  }

  Result<> add_root(std::string const& folder) {
    auto const root = BH_TRY(os::open_at(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY));
    BH_TRY(enter(root.get()));
    BH_TRY(add_header("./", root_info_, root.get(), {}));
    return add_folder(root.get(), "", ".");
  }

  Result<> add_item(int root, TarItem const& item) {
    BH_TRY(enter(root));
    auto const slash = item.source.rfind('/');
    auto const above = slash == std::string::npos ? "." : item.source.substr(0, slash);
    auto const name = slash == std::string::npos ? item.source : item.source.substr(slash + 1);
    auto const parent = BH_TRY(os::open_at(root, above, O_RDONLY | O_DIRECTORY));
    if (!item.name.empty()) return add(parent.get(), name, item.source, item.name);
    auto const inside =
        BH_TRY(os::open_at(parent.get(), name.empty() ? "." : name, O_RDONLY | O_DIRECTORY));
    return add_folder(inside.get(), item.source, ".");
  }

  Result<> finish() {
    if (::archive_write_close(out_.get()) != ARCHIVE_OK) return failure();
    return {};
  }

 private:
  static la_ssize_t put(archive* archive, void* self, void const* data, std::size_t size) {
    auto* const tar = static_cast<FolderTar*>(self);
    auto const written = tar->write_({static_cast<std::byte const*>(data), size});
    if (written) return static_cast<la_ssize_t>(size);
    tar->error_ = written.error();
    ::archive_set_error(archive, EIO, "the tar cannot be written");
    return -1;
  }

  /// Notes on which file system the folder is.
  Result<> enter(int folder) {
    if (::fstat(folder, &root_info_) != 0) return fail_errno("stat", errno);
    return {};
  }

  std::unexpected<Error> failure() const {
    if (error_) return std::unexpected(*error_);
    char const* const words = ::archive_error_string(out_.get());
    return fail(Errc::Io, std::string("tar: ") + (words != nullptr ? words : "?"));
  }

  /// `source` is the folder's path from the root, `path` the one in the tar.
  Result<> add_folder(int folder, std::string const& source, std::string const& path) {
    if (static_cast<std::size_t>(std::ranges::count(path, '/')) > kDeepestPath) {
      return fail(Errc::Invalid,
                  "more than " + std::to_string(kDeepestPath) + " folders in one another");
    }
    auto names = BH_TRY(os::names_in(folder, "."));
    std::ranges::sort(names);
    for (auto const& name : names) {
      auto const below = source.empty() ? name : source + "/" + name;
      auto added = add(folder, name, below, path + "/" + name);
      if (!added) return std::unexpected(std::move(added).error().while_doing(below));
    }
    return {};
  }

  Result<> add(int folder, std::string const& name, std::string const& source,
               std::string const& path) {
    struct stat info{};
    if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_errno("stat", errno);
    }
    if (options_.kind == FolderKind::OverlayUpper && S_ISCHR(info.st_mode) && info.st_rdev == 0) {
      return add_whiteout(path, info);
    }
    if (info.st_dev != root_info_.st_dev) return {};
    if (options_.leaves_out && options_.leaves_out(source, S_ISDIR(info.st_mode))) return {};
    if (S_ISDIR(info.st_mode)) {
      auto const inside = BH_TRY(os::open_at(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      BH_TRY(add_header(path + "/", info, inside.get(), {}));
      if (options_.kind == FolderKind::OverlayUpper && is_opaque(inside.get())) {
        BH_TRY(add_whiteout(path + "/.wh..opq", info));
      }
      return add_folder(inside.get(), source, path);
    }
    if (S_ISLNK(info.st_mode)) {
      // On the heap: folders in folders have a frame of this function each.
      std::string target(4096, '\0');
      ssize_t const size = ::readlinkat(folder, name.c_str(), target.data(), target.size() - 1);
      if (size < 0) return fail_errno("readlink", errno);
      return add_header(path, info, -1, {target.data(), static_cast<std::size_t>(size)});
    }
    if (S_ISFIFO(info.st_mode)) return add_header(path, info, -1, {});
    if (!S_ISREG(info.st_mode)) return {};
    if (info.st_nlink > 1) {
      auto const [first, fresh] = links_.try_emplace(info.st_ino, path);
      if (!fresh) return add_header(path, info, -1, first->second);
    }
    auto const file = BH_TRY(os::open_at(folder, name, O_RDONLY | O_NOFOLLOW));
    BH_TRY(add_header(path, info, file.get(), {}));
    return add_content(file, static_cast<std::uint64_t>(info.st_size));
  }

  static bool is_opaque(int folder) {
    char value = 0;
    return ::fgetxattr(folder, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
  }

  /// "a/.wh.b" for "a/b".
  Result<> add_whiteout(std::string const& path, struct stat info) {
    auto const start = path.rfind('/') + 1;
    info.st_mode = S_IFREG;
    info.st_size = 0;
    return add_header(path.substr(0, start) + ".wh." + path.substr(start), info, -1, {});
  }

  /// `file` for its attributes, if there is one; `link` of a symbolic or hard link.
  Result<> add_header(std::string const& path, struct stat const& info, int file,
                      std::string const& link) {
    std::unique_ptr<archive_entry, FreeEntry> const entry(::archive_entry_new());
    ::archive_entry_copy_stat(entry.get(), &info);
    ::archive_entry_set_pathname(entry.get(), path.c_str());
    if (options_.times == Times::Zero) ::archive_entry_set_mtime(entry.get(), 0, 0);
    if (options_.owners == Owners::Root) {
      ::archive_entry_set_uid(entry.get(), 0);
      ::archive_entry_set_gid(entry.get(), 0);
    }
    ::archive_entry_unset_atime(entry.get());
    ::archive_entry_unset_ctime(entry.get());
    if (!S_ISREG(info.st_mode)) ::archive_entry_set_size(entry.get(), 0);
    if (S_ISLNK(info.st_mode)) ::archive_entry_set_symlink(entry.get(), link.c_str());
    if (S_ISREG(info.st_mode) && !link.empty()) {
      ::archive_entry_set_hardlink(entry.get(), link.c_str());
      ::archive_entry_set_size(entry.get(), 0);
    }
    if (file >= 0) BH_TRY(add_attributes(entry.get(), file));
    if (::archive_write_header(out_.get(), entry.get()) != ARCHIVE_OK) return failure();
    return {};
  }

  static Result<> add_attributes(archive_entry* entry, int file) {
    std::string names(65536, '\0');
    ssize_t const size = ::flistxattr(file, names.data(), names.size());
    if (size < 0) return {};
    names.resize(static_cast<std::size_t>(size));
    std::string value(65536, '\0');
    for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
      auto const* const name = names.c_str() + at;
      if (std::string_view(name).starts_with("trusted.overlay.")) continue;
      ssize_t const count = ::fgetxattr(file, name, value.data(), value.size());
      if (count < 0) continue;
      ::archive_entry_xattr_add_entry(entry, name, value.data(), static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<> add_content(os::UniqueFd const& file, std::uint64_t size) {
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    while (size > 0) {
      auto const want = std::min<std::uint64_t>(size, buffer.size());
      ssize_t const count = ::read(file.get(), buffer.data(), want);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("read", errno);
      if (count == 0) return fail(Errc::Busy, "it became shorter meanwhile");
      if (::archive_write_data(out_.get(), buffer.data(), static_cast<std::size_t>(count)) !=
          count) {
        return failure();
      }
      size -= static_cast<std::uint64_t>(count);
    }
    return {};
  }

  TarOptions const& options_;
  TarOutput const& write_;
  std::unique_ptr<archive, FreeArchive> out_;
  std::optional<Error> error_;
  std::map<ino_t, std::string> links_;
  struct stat root_info_{};
};

}  // namespace

Result<> tar_folder(std::string const& folder, TarOptions const& options, TarOutput const& write) {
  FolderTar tar(options, write);
  BH_TRY(tar.open());
  BH_TRY(tar.add_root(folder));
  return tar.finish();
}

Result<> tar_items(int folder, std::span<TarItem const> items, TarOptions const& options,
                   TarOutput const& write) {
  FolderTar tar(options, write);
  BH_TRY(tar.open());
  for (auto const& item : items) BH_TRY(tar.add_item(folder, item));
  return tar.finish();
}

}  // namespace bh::image
