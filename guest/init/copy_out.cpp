#include "init/copy_out.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "init/report.h"
#include "init/tar_header.h"

namespace bh::init {

namespace {

// Too large for a stack that nobody has grown yet.
std::array<char, std::size_t{64} * 1024> buffer;
std::array<char, kExtendedBytes + kTarBlock> extended;
TarEntry entry;
TarEntry about;

bool put(char const* bytes, std::size_t size) {
  while (size > 0) {
    ssize_t const count = ::write(STDOUT_FILENO, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool put_zeros(std::uint64_t size) {
  std::array<char, kTarBlock> const zeros{};
  while (size > 0) {
    auto const count = std::min<std::uint64_t>(size, zeros.size());
    if (!put(zeros.data(), count)) return false;
    size -= count;
  }
  return true;
}

bool pad(std::uint64_t size) {
  return put_zeros((kTarBlock - size % kTarBlock) % kTarBlock);
}

bool put_header() {
  std::array<char, kTarBlock> block{};
  auto const size = format_extended(entry, extended.data());
  if (size != 0) {
    about.kind = TarEntry::kExtended;
    about.size = size;
    set_text(about.path, "pax");
    format_tar_header(about, block.data());
    if (!put(block.data(), block.size()) || !put(extended.data(), size) || !pad(size)) return false;
  }
  format_tar_header(entry, block.data());
  return put(block.data(), block.size());
}

bool put_content(int file, std::string_view path) {
  std::uint64_t left = entry.size;
  while (left > 0) {
    ssize_t const count = ::read(file, buffer.data(), std::min<std::uint64_t>(left, buffer.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      report_errno("read", path, errno);
      return false;
    }
    // It became shorter meanwhile: the rest is zeros.
    if (count == 0) break;
    if (!put(buffer.data(), static_cast<std::size_t>(count))) return false;
    left -= static_cast<std::uint64_t>(count);
  }
  return put_zeros(left) && pad(entry.size);
}

bool describe(struct stat const& info, char kind, std::string_view path) {
  entry.kind = kind;
  entry.mode = info.st_mode & 07777;
  entry.uid = info.st_uid;
  entry.gid = info.st_gid;
  entry.seconds = info.st_mtim.tv_sec;
  entry.size = kind == TarEntry::kFile ? static_cast<std::uint64_t>(info.st_size) : 0;
  set_text(entry.link, "");
  if (set_text(entry.path, path)) return true;
  report(path, "its path is too long");
  return false;
}

/// A path that grows and shrinks while folders are entered.
struct Path {
  std::array<char, PATH_MAX> text{};
  std::size_t size = 0;

  [[nodiscard]] std::string_view view() const { return {text.data(), size}; }
  bool add(std::string_view name) {
    if (size + 1 + name.size() >= text.size()) return false;
    text[size++] = '/';
    std::ranges::copy(name, text.begin() + static_cast<std::ptrdiff_t>(size));
    size += name.size();
    return true;
  }
};
Path path;

bool send(int folder, char const* name, dev_t device);

bool send_folder(int fd, dev_t device) {
  DIR* const listing = ::fdopendir(fd);
  if (listing == nullptr) {
    report_errno("read", path.view(), errno);
    ::close(fd);
    return false;
  }
  bool good = true;
  while (auto const* const one = ::readdir(listing)) {
    std::string_view const name(one->d_name);
    if (name == "." || name == "..") continue;
    auto const before = path.size;
    good = path.add(name);
    if (!good) report(path.view(), "what is in it has too long a path");
    good = good && send(fd, one->d_name, device);
    path.size = before;
    if (!good) break;
  }
  ::closedir(listing);
  return good;
}

bool send_file(int folder, char const* name, struct stat const& info) {
  int const file = ::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) {
    report_errno("open", path.view(), errno);
    return false;
  }
  bool const sent = describe(info, TarEntry::kFile, path.view()) && put_header() &&
                    put_content(file, path.view());
  ::close(file);
  return sent;
}

bool send_link(int folder, char const* name, struct stat const& info) {
  if (!describe(info, TarEntry::kSymbolicLink, path.view())) return false;
  ssize_t const size = ::readlinkat(folder, name, entry.link.data(), entry.link.size() - 1);
  if (size < 0) {
    report_errno("read link", path.view(), errno);
    return false;
  }
  entry.link[static_cast<std::size_t>(size)] = '\0';
  return put_header();
}

bool send(int folder, char const* name, dev_t device) {
  struct stat info{};
  if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    // Gone meanwhile.
    if (errno == ENOENT) return true;
    report_errno("stat", path.view(), errno);
    return false;
  }
  if (S_ISREG(info.st_mode)) return send_file(folder, name, info);
  if (S_ISLNK(info.st_mode)) return send_link(folder, name, info);
  // What is mounted there stays behind, as do sockets and devices.
  if (!S_ISDIR(info.st_mode) || info.st_dev != device) return true;
  int const inside = ::openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (inside < 0) {
    report_errno("open", path.view(), errno);
    return false;
  }
  if (describe(info, TarEntry::kFolder, path.view()) && put_header()) {
    return send_folder(inside, device);
  }
  ::close(inside);
  return false;
}

bool send_root(char const* from, bool follow) {
  int const what = ::open(from, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  struct stat info{};
  if (what < 0 || ::fstat(what, &info) != 0) {
    report_errno("open", from, errno);
    return false;
  }
  if (S_ISDIR(info.st_mode)) {
    int const folder = ::openat(what, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    path.text[0] = '.';
    path.size = 1;
    return describe(info, TarEntry::kFolder, ".") && put_header() && folder >= 0 &&
           send_folder(folder, info.st_dev);
  }
  constexpr std::string_view kRoot = "file";
  path.size = kRoot.copy(path.text.data(), kRoot.size());
  if (S_ISLNK(info.st_mode)) return send_link(what, "", info);
  if (!S_ISREG(info.st_mode)) {
    report(from, "is neither a file nor a folder nor a symbolic link");
    return false;
  }
  int const file = ::open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
  if (file < 0 || ::fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    report_errno("open", from, errno);
    return false;
  }
  return describe(info, TarEntry::kFile, kRoot) && put_header() && put_content(file, from);
}

}  // namespace

bool copy_out(char const* from, bool follow) {
  std::string_view const text(from);
  bool const folder = text.ends_with('/') || text.ends_with("/.");
  // The end of a tar is two blocks of zeros.
  return send_root(from, follow || folder) && put_zeros(2 * kTarBlock);
}

}  // namespace bh::init
