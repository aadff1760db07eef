#include "container/launch/copy_up.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "os/text_file.h"

namespace bh::container {

namespace {

constexpr int kDeepest = 128;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

Result<> copy_folder(int from, int to, int depth);

Result<> copy_attributes(int file, struct stat const& status) {
  timespec const times[2] = {status.st_atim, status.st_mtim};
  if (::fchown(file, status.st_uid, status.st_gid) != 0 ||
      ::fchmod(file, status.st_mode & 07777U) != 0 || ::futimens(file, times) != 0) {
    return fail_errno("copy owner and mode", errno);
  }
  return {};
}

Result<> copy_file(int from, int to, std::string const& name, struct stat const& status) {
  auto const source = BH_TRY(os::open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  auto const target = BH_TRY(os::open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  while (true) {
    ssize_t const count = ::sendfile(target.get(), source.get(), nullptr, std::size_t{1} << 30);
    if (count == 0) return copy_attributes(target.get(), status);
    if (count < 0 && errno != EINTR) return fail_errno("copy " + name, errno);
  }
}

Result<> copy_link(int from, int to, std::string const& name, struct stat const& status) {
  char target[4096];
  ssize_t const size = ::readlinkat(from, name.c_str(), target, sizeof target);
  if (size < 0) return fail_errno("readlink " + name, errno);
  std::string const text(target, static_cast<std::size_t>(size));
  if (::symlinkat(text.c_str(), to, name.c_str()) != 0) return fail_errno("link " + name, errno);
  if (::fchownat(to, name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("chown " + name, errno);
  }
  return {};
}

Result<> copy_entry(int from, int to, std::string const& name, int depth) {
  struct stat status{};
  if (::fstatat(from, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("stat " + name, errno);
  }
  if (S_ISREG(status.st_mode)) return copy_file(from, to, name, status);
  if (S_ISLNK(status.st_mode)) return copy_link(from, to, name, status);
  if (!S_ISDIR(status.st_mode)) return {};
  if (::mkdirat(to, name.c_str(), 0700) != 0) return fail_errno("mkdir " + name, errno);
  auto const below = BH_TRY(os::open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  auto const made = BH_TRY(os::open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  BH_TRY(copy_folder(below.get(), made.get(), depth + 1));
  return copy_attributes(made.get(), status);
}

Result<> copy_folder(int from, int to, int depth) {
  if (depth > kDeepest) return fail(Errc::Invalid, "more than 128 folders in each other");
  auto opened = BH_TRY(os::open_at(from, ".", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, CloseFolder> const folder(::fdopendir(opened.get()));
  if (!folder) return fail_errno("read a folder", errno);
  (void)opened.release();
  while (auto const* const entry = ::readdir(folder.get())) {
    std::string const name = entry->d_name;
    if (name == "." || name == "..") continue;
    BH_TRY(copy_entry(from, to, name, depth));
  }
  return {};
}

}  // namespace

Result<> copy_up(int from, int to) {
  auto copied = copy_folder(from, to, 0);
  if (!copied) return std::unexpected(std::move(copied).error().while_doing("tmpcopyup"));
  return {};
}

}  // namespace bh::container
