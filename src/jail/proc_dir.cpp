#include "jail/proc_dir.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "os/file.h"
#include "os/text_file.h"

namespace bh::jail {

namespace {

constexpr std::size_t kReadLimit = std::size_t{4} * 1024 * 1024;
// fs/proc/root.c: the root of every procfs has this inode.
constexpr ino_t kProcRootInode = 1;

}  // namespace

Result<ProcDir> ProcDir::open() {
  auto folder = BH_TRY(os::open_file("/proc", O_PATH | O_DIRECTORY));
  struct statfs system{};
  struct stat status{};
  if (::fstatfs(folder.get(), &system) != 0 || ::fstat(folder.get(), &status) != 0) {
    return fail_errno("stat /proc", errno);
  }
  if (system.f_type != PROC_SUPER_MAGIC || status.st_ino != kProcRootInode) {
    return fail(Errc::Unsupported, "/proc is not the root of a proc file system; mount one");
  }
  return ProcDir(std::move(folder));
}

Result<os::UniqueFd> ProcDir::open_file(std::string const& path, int flags) const {
  ::open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  long const fd = ::syscall(SYS_openat2, folder_.get(), path.c_str(), &how, sizeof how);
  if (fd < 0) return fail_errno("open /proc/" + path, errno);
  return os::UniqueFd(static_cast<int>(fd));
}

Result<> ProcDir::write(std::string const& path, std::string_view text) const {
  auto const file = BH_TRY(open_file(path, O_WRONLY));
  auto written = os::write_text(file, text);
  if (!written) return std::unexpected(std::move(written).error().while_doing("/proc/" + path));
  return {};
}

Result<std::string> ProcDir::read(std::string const& path) const {
  auto const file = BH_TRY(open_file(path, O_RDONLY));
  auto text = os::read_text(file, kReadLimit);
  if (!text) return std::unexpected(std::move(text).error().while_doing("/proc/" + path));
  return text;
}

Result<pid_t> ProcDir::own_pid() const {
  char buffer[32];
  ssize_t const size = ::readlinkat(folder_.get(), "self", buffer, sizeof buffer);
  if (size < 0) return fail_errno("readlink /proc/self", errno);
  pid_t pid = 0;
  std::from_chars(buffer, buffer + size, pid);
  return pid;
}

Result<std::string> ProcDir::path_of(int fd) const {
  std::string const link = "self/fd/" + std::to_string(fd);
  char buffer[4096];
  ssize_t const size = ::readlinkat(folder_.get(), link.c_str(), buffer, sizeof buffer);
  if (size < 0) return fail_errno("readlink /proc/" + link, errno);
  return std::string(buffer, static_cast<std::size_t>(size));
}

}  // namespace bh::jail
