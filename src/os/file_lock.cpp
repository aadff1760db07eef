#include "os/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "os/text_file.h"

namespace bh::os {

namespace {

/// Whether `path` still names the open file: another process may have removed it while we waited.
bool still_there(UniqueFd const& file, int folder, std::string const& path) {
  struct stat mine{};
  struct stat named{};
  return ::fstat(file.get(), &mine) == 0 && ::fstatat(folder, path.c_str(), &named, 0) == 0 &&
         mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

int operation_of(LockKind kind) {
  return kind == LockKind::Shared ? LOCK_SH : LOCK_EX;
}

/// Errc::Busy if somebody else has the lock and `operation` does not wait.
Result<> lock_file(UniqueFd const& file, std::string const& what, int operation) {
  while (::flock(file.get(), operation) != 0) {
    if (errno == EWOULDBLOCK) return fail(Errc::Busy, "flock " + what + ": somebody has it");
    if (errno != EINTR) return fail_errno("flock " + what, errno);
  }
  return {};
}

/// An invalid descriptor if somebody else has the lock and we do not wait.
Result<UniqueFd> acquire(int folder, std::string const& path, int operation) {
  while (true) {
    auto file = BH_TRY(open_at(folder, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    auto locked = lock_file(file, path, operation);
    if (!locked && locked.error().code == Errc::Busy) return UniqueFd();
    if (!locked) return std::unexpected(std::move(locked).error());
    if (still_there(file, folder, path)) return file;
  }
}

}  // namespace

Result<FileLock> FileLock::lock(int folder, std::string const& path, LockKind kind) {
  auto file = BH_TRY(acquire(folder, path, operation_of(kind)));
  return FileLock(std::move(file));
}

Result<FileLock> FileLock::lock(UniqueFd file, LockKind kind) {
  BH_TRY(lock_file(file, "an open file", operation_of(kind)));
  return FileLock(std::move(file));
}

Result<std::optional<FileLock>> FileLock::try_lock(int folder, std::string const& path,
                                                   LockKind kind) {
  auto file = BH_TRY(acquire(folder, path, operation_of(kind) | LOCK_NB));
  if (!file.valid()) return std::nullopt;
  return FileLock(std::move(file));
}

void FileLock::remove(int folder, std::string const& path) const {
  if (still_there(file_, folder, path)) ::unlinkat(folder, path.c_str(), 0);
}

}  // namespace bh::os
