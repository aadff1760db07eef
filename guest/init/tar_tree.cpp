#include "init/tar_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "init/hard_links.h"
#include "init/report.h"

namespace bh::init {

namespace {

// OCI image specification, layer.md, "Whiteouts".
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

// Of the one tree that is a layer. Zeros, which take no room in the program.
HardLinks links;

/// Whether overlayfs shows nothing of what is below this folder (Linux
/// Documentation/filesystems/overlayfs.rst).
bool is_opaque(int folder) {
  char value = 0;
  return ::fgetxattr(folder, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

bool is_whiteout(struct stat const& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

void read_capability(int file, TarEntry& entry) {
  auto const size =
      ::fgetxattr(file, "security.capability", entry.capability.data(), entry.capability.size());
  if (size > 0) entry.capability_size = static_cast<std::size_t>(size);
}

bool failed_to(char const* what, std::string_view path) {
  report_errno(what, path, errno);
  return false;
}

}  // namespace

bool TarTree::Path::add(std::string_view name) {
  if (size + 1 + name.size() >= text.size()) return false;
  text[size++] = '/';
  std::ranges::copy(name, text.begin() + static_cast<std::ptrdiff_t>(size));
  size += name.size();
  return true;
}

bool TarTree::put_folder(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return failed_to("stat", ".");
  path_.text[0] = '.';
  path_.size = 1;
  return enter(fd, info);
}

bool TarTree::enter(int fd, struct stat const& info) {
  bool const opaque = kind_ == TreeKind::Layer && is_opaque(fd);
  if (tar_.describe(info, TarEntry::kFolder, path_.view()) && tar_.put_header() &&
      (!opaque || put_marker(kOpaque))) {
    return put_entries(fd, info.st_dev);
  }
  ::close(fd);
  return false;
}

bool TarTree::put_entries(int fd, dev_t device) {
  DIR* const listing = ::fdopendir(fd);
  if (listing == nullptr) {
    ::close(fd);
    return failed_to("read", path_.view());
  }
  bool good = true;
  while (auto const* const one = ::readdir(listing)) {
    std::string_view const name(one->d_name);
    if (name == "." || name == "..") continue;
    auto const before = path_.size;
    good = path_.add(name);
    if (!good) report(path_.view(), "what is in it has too long a path");
    good = good && put(fd, one->d_name, device);
    path_.size = before;
    if (!good) break;
  }
  ::closedir(listing);
  return good;
}

bool TarTree::put(int folder, char const* name, dev_t device) {
  struct stat info{};
  if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    // Gone meanwhile.
    return errno == ENOENT || failed_to("stat", path_.view());
  }
  if (left_out()) return true;
  if (S_ISREG(info.st_mode)) return put_file(folder, name, info);
  if (S_ISLNK(info.st_mode)) return put_link(folder, name, info, path_.view());
  if (kind_ == TreeKind::Layer && is_whiteout(info)) return put_whiteout(name);
  if (kind_ == TreeKind::Layer && S_ISFIFO(info.st_mode)) {
    return tar_.describe(info, TarEntry::kFifo, path_.view()) && tar_.put_header();
  }
  if (!S_ISDIR(info.st_mode) || info.st_dev != device) return true;
  int const inside = ::openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (inside < 0) return failed_to("open", path_.view());
  return enter(inside, info);
}

bool TarTree::put_file(int folder, char const* name, struct stat const& info) {
  if (!tar_.describe(info, TarEntry::kFile, path_.view())) return false;
  if (kind_ == TreeKind::Layer && info.st_nlink > 1) {
    auto const first = links.find_or_add(info.st_ino, path_.view());
    if (!first.empty() && set_text(tar_.entry().link, first)) {
      tar_.entry().kind = TarEntry::kHardLink;
      tar_.entry().size = 0;
      return tar_.put_header();
    }
  }
  int const file = ::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return failed_to("open", path_.view());
  if (kind_ == TreeKind::Layer) read_capability(file, tar_.entry());
  bool const put = tar_.put_header() && tar_.put_content(file, path_.view());
  ::close(file);
  return put;
}

bool TarTree::put_link(int folder, char const* name, struct stat const& info,
                       std::string_view path) {
  if (!tar_.describe(info, TarEntry::kSymbolicLink, path)) return false;
  auto& target = tar_.entry().link;
  ssize_t const size = ::readlinkat(folder, name, target.data(), target.size() - 1);
  if (size < 0) return failed_to("read link", path);
  target[static_cast<std::size_t>(size)] = '\0';
  return tar_.put_header();
}

/// An empty file that says something about the folder it is in.
bool TarTree::put_marker(std::string_view name) {
  auto const before = path_.size;
  struct stat info{};
  info.st_mode = S_IFREG;
  if (!path_.add(name)) {
    report(path_.view(), "what is in it has too long a path");
    return false;
  }
  bool const put = tar_.describe(info, TarEntry::kFile, path_.view()) && tar_.put_header();
  path_.size = before;
  return put;
}

bool TarTree::put_whiteout(std::string_view name) {
  std::array<char, kWhiteout.size() + NAME_MAX + 1> marker{};
  if (name.size() > NAME_MAX) return false;
  auto* const end = std::ranges::copy(name, std::ranges::copy(kWhiteout, marker.begin()).out).out;
  auto const before = path_.size;
  path_.size -= name.size() + 1;
  bool const put = put_marker({marker.data(), static_cast<std::size_t>(end - marker.data())});
  path_.size = before;
  // put_marker() has written over the name's end, which nobody reads any more.
  return put;
}

/// What bulkhead-init has written for the network, and the image may have otherwise.
bool TarTree::left_out() const {
  if (kind_ != TreeKind::Layer) return false;
  return path_.view() == "./etc/resolv.conf" || path_.view() == "./etc/hosts";
}

}  // namespace bh::init
