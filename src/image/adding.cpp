#include "image/adding.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "image/limits.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

bool is_before(timespec const& one, timespec const& other) {
  return std::pair(one.tv_sec, one.tv_nsec) < std::pair(other.tv_sec, other.tv_nsec);
}

}  // namespace

Result<Adding> Store::begin_adding() const {
  auto const folder = path() + "/" + kAddingFolder;
  BH_TRY(os::make_folders(folder));
  // Who collects does not find the file before it is locked.
  auto const quiet = BH_TRY(os::FileLock::lock(fd(), kLockFile, os::LockKind::Shared));
  auto name = folder + "/XXXXXX";
  os::UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.valid()) return fail_errno("make a file in " + folder, errno);
  auto lock = BH_TRY(os::FileLock::lock(std::move(file), os::LockKind::Exclusive));
  return Adding(std::move(name), std::move(lock));
}

Result<os::FileLock> Store::begin_collecting() const {
  return os::FileLock::lock(fd(), kLockFile, os::LockKind::Exclusive);
}

bool Store::claim(std::string const& path) const {
  auto const quiet = os::FileLock::lock(fd(), kLockFile, os::LockKind::Shared);
  if (::utimensat(fd(), path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0) return true;
  // Somebody else's, perhaps; it is there all the same.
  return errno != ENOENT && ::faccessat(fd(), path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Adding::~Adding() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<> Adding::settle(std::span<std::string const> used) {
  std::string text;
  for (auto const& digits : used) text += digits + "\n";
  return os::write_text(file_.file(), text);
}

Result<InUse> in_use(Store const& store, os::FileLock const& /*collecting*/) {
  InUse use;
  auto const names = BH_TRY(os::names_in(store.fd(), kAddingFolder));
  for (auto const& name : names) {
    auto const path = std::string(kAddingFolder) + "/" + name;
    auto const lock = BH_TRY(os::FileLock::try_lock(store.fd(), path, os::LockKind::Exclusive));
    if (lock) {
      ::unlinkat(store.fd(), path.c_str(), 0);
      continue;
    }
    struct stat info{};
    // It may just have ended.
    if (::fstatat(store.fd(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    auto const text = BH_TRY(os::read_text_at(store.fd(), path, kDocumentLimit));
    use.anybody = true;
    if (text.empty() && (!use.since || is_before(info.st_mtim, *use.since))) {
      use.since = info.st_mtim;
    }
    for (std::string_view rest = text; !rest.empty();) {
      auto const end = std::min(rest.find('\n'), rest.size() - 1);
      use.kept.emplace(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
  }
  return use;
}

}  // namespace bh::image
