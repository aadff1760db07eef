#include "vmm/virtio/fs/folder.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "os/file.h"

namespace bh::vmm::virtio {

namespace {

// One component, never through a link, never into another mount.
constexpr std::uint64_t kConfined =
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

Outcome<> check_name(std::string const& name) {
  if (name.size() > NAME_MAX) return refuse(ENAMETOOLONG);
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return refuse(EINVAL);
  }
  return {};
}

Outcome<os::UniqueFd> open_entry(int parent, std::string const& name, int flags, mode_t mode = 0) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.mode = mode;
  how.resolve = kConfined;
  auto const fd = ::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof how);
  if (fd < 0) return refuse(errno);
  return os::UniqueFd(static_cast<int>(fd));
}

Outcome<> done(int result) {
  if (result != 0) return refuse(errno);
  return {};
}

/// What chmod may set on an entry of this kind.
mode_t allowed_mode(mode_t kind, mode_t mode) {
  return S_ISDIR(kind) ? mode & 07777 : mode & 01777;
}

}  // namespace

Result<Folder> Folder::open(std::string const& path, Access access) {
  auto root = BH_TRY(os::open_file(path, O_PATH | O_DIRECTORY));
  auto descriptors = BH_TRY(os::open_file("/proc/self/fd", O_PATH | O_DIRECTORY));
  return Folder(std::move(root), std::move(descriptors), access);
}

Outcome<> Folder::check_change(std::string const& name) const {
  if (read_only()) return refuse(EROFS);
  return check_name(name);
}

Outcome<os::UniqueFd> Folder::find(int parent, std::string const& name) const {
  BH_TRY(check_name(name));
  return open_entry(parent, name, O_PATH);
}

Outcome<struct stat> Folder::describe(int entry) {
  struct stat info{};
  if (::fstatat(entry, "", &info, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0) return refuse(errno);
  return info;
}

Outcome<struct statvfs> Folder::describe_file_system(int entry) const {
  struct statvfs info{};
  BH_TRY(done(::fstatvfs(entry, &info)));
  return info;
}

Outcome<std::string> Folder::read_link(int entry) const {
  std::string target(PATH_MAX, '\0');
  ssize_t const size = ::readlinkat(entry, "", target.data(), target.size());
  if (size < 0) return refuse(errno == ENOENT ? EINVAL : errno);
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Outcome<os::UniqueFd> Folder::open_for_io(int entry, int flags) const {
  constexpr int kKept = O_ACCMODE | O_APPEND | O_TRUNC | O_DSYNC | O_SYNC;
  auto const info = BH_TRY(describe(entry));
  bool const folder = S_ISDIR(info.st_mode);
  // To open a device or a pipe would do something on the host; the guest has its own for these.
  if (!folder && !S_ISREG(info.st_mode)) return refuse(ENXIO);
  if (read_only() && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0)) {
    return refuse(EROFS);
  }
  int const wanted = (folder ? O_DIRECTORY : flags & kKept) | O_CLOEXEC | O_NONBLOCK;
  os::UniqueFd opened(::openat(descriptors_.get(), std::to_string(entry).c_str(), wanted));
  if (!opened.valid()) return refuse(errno);
  return opened;
}

Outcome<os::UniqueFd> Folder::make_file(int parent, std::string const& name, int flags,
                                        mode_t mode) const {
  BH_TRY(check_change(name));
  constexpr int kKept = O_ACCMODE | O_APPEND | O_DSYNC | O_SYNC;
  // O_EXCL whatever the guest says: what is there already need not be a file.
  auto made = BH_TRY(open_entry(parent, name, (flags & kKept) | O_CREAT | O_EXCL, 0600));
  BH_TRY(done(::fchmod(made.get(), allowed_mode(S_IFREG, mode))));
  return made;
}

Outcome<> Folder::make_folder(int parent, std::string const& name, mode_t mode) const {
  BH_TRY(check_change(name));
  BH_TRY(done(::mkdirat(parent, name.c_str(), 0700)));
  auto const made = BH_TRY(open_entry(parent, name, O_PATH | O_DIRECTORY));
  return change_mode(made.get(), mode);
}

Outcome<> Folder::make_node(int parent, std::string const& name, mode_t mode) const {
  BH_TRY(check_change(name));
  // mknod of a regular file is what NFS clients and some programs do.
  if (S_ISREG(mode)) {
    BH_TRY(make_file(parent, name, O_WRONLY, mode));
    return {};
  }
  if (!S_ISFIFO(mode) && !S_ISSOCK(mode)) return refuse(EPERM);
  return done(::mknodat(parent, name.c_str(), (mode & S_IFMT) | (mode & 0777), 0));
}

Outcome<> Folder::make_link(int parent, std::string const& name, std::string const& target) const {
  BH_TRY(check_change(name));
  return done(::symlinkat(target.c_str(), parent, name.c_str()));
}

Outcome<> Folder::add_name(int entry, int parent, std::string const& name) const {
  BH_TRY(check_change(name));
  return done(::linkat(descriptors_.get(), std::to_string(entry).c_str(), parent, name.c_str(),
                       AT_SYMLINK_FOLLOW));
}

Outcome<> Folder::remove(int parent, std::string const& name, Kind kind) const {
  BH_TRY(check_change(name));
  return done(::unlinkat(parent, name.c_str(), kind == Kind::Folder ? AT_REMOVEDIR : 0));
}

Outcome<> Folder::rename(Place from, Place to, unsigned flags) const {
  BH_TRY(check_change(from.name));
  BH_TRY(check_change(to.name));
  // RENAME_WHITEOUT would make a device.
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0) return refuse(EINVAL);
  return done(::renameat2(from.parent, from.name.c_str(), to.parent, to.name.c_str(), flags));
}

Outcome<> Folder::change_mode(int entry, mode_t mode) const {
  if (read_only()) return refuse(EROFS);
  auto const info = BH_TRY(describe(entry));
  // Through /proc, a link's mode would be its target's.
  if (S_ISLNK(info.st_mode)) return refuse(EOPNOTSUPP);
  return done(::fchmodat(descriptors_.get(), std::to_string(entry).c_str(),
                         allowed_mode(info.st_mode, mode), 0));
}

Outcome<> Folder::change_owner(int entry, uid_t uid, gid_t gid) const {
  if (read_only()) return refuse(EROFS);
  return done(::fchownat(entry, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

Outcome<> Folder::change_times(int entry, std::array<timespec, 2> const& times) const {
  if (read_only()) return refuse(EROFS);
  return done(::utimensat(entry, "", times.data(), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

Outcome<> Folder::change_size(int entry, std::uint64_t size) const {
  if (size > INT64_MAX) return refuse(EINVAL);
  auto const file = BH_TRY(open_for_io(entry, O_WRONLY));
  return done(::ftruncate(file.get(), static_cast<off_t>(size)));
}

}  // namespace bh::vmm::virtio
