#include "jail/root_dir.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

namespace bh::jail {

namespace {

constexpr unsigned kFolderMode = 0755;
constexpr unsigned kFileMode = 0644;

Result<os::UniqueFd> open_resolved(int folder, std::string const& path, std::uint64_t flags,
                                   std::uint64_t resolve) {
  ::open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  while (true) {
    long const fd =
        ::syscall(SYS_openat2, folder, path.empty() ? "." : path.c_str(), &how, sizeof how);
    if (fd >= 0) return os::UniqueFd(static_cast<int>(fd));
    // EAGAIN: something was renamed meanwhile, and the kernel could not be sure of "..".
    if (errno != EAGAIN && errno != EINTR) {
      return fail_errno("open /" + path + " in the container", errno);
    }
  }
}

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    auto const slash = path.find('/');
    auto const part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    if (slash == path.npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

/// Opens `name` in `folder`, following nothing.
Result<os::UniqueFd> open_child(int folder, std::string const& name, std::uint64_t flags) {
  return open_resolved(folder, name, flags | O_NOFOLLOW | O_PATH,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

}  // namespace

std::string relative_path(std::string_view path) {
  std::string out;
  for (auto const& part : parts_of(path)) out += (out.empty() ? "" : "/") + part;
  return out;
}

Result<os::UniqueFd> RootDir::resolve(std::string_view path, std::uint64_t flags,
                                      std::uint64_t how) const {
  return open_resolved(folder_.get(), relative_path(path), flags,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | how);
}

Result<os::UniqueFd> RootDir::open(std::string_view path, std::uint64_t flags) const {
  return resolve(path, flags, 0);
}

Result<os::UniqueFd> RootDir::open_without_links(std::string_view path, std::uint64_t flags) const {
  return resolve(path, flags, RESOLVE_NO_SYMLINKS);
}

Result<os::UniqueFd> RootDir::make_folder(std::string_view path) const {
  auto whole = resolve(path, O_PATH | O_DIRECTORY, 0);
  if (whole || whole.error().code != Errc::NotFound) return whole;

  std::string done;
  auto folder = BH_TRY(resolve("", O_PATH | O_DIRECTORY, 0));
  for (auto const& part : parts_of(path)) {
    done += "/" + part;
    // From the root again: a link in `done` may lead anywhere in the root.
    auto next = resolve(done, O_PATH | O_DIRECTORY, 0);
    if (!next && next.error().code == Errc::NotFound) {
      if (::mkdirat(folder.get(), part.c_str(), kFolderMode) != 0 && errno != EEXIST) {
        return fail_errno("mkdir " + done + " in the container", errno);
      }
      next = open_child(folder.get(), part, O_DIRECTORY);
      if (!next) return fail(Errc::Invalid, done + " in the container is a link to nowhere");
    }
    folder = BH_TRY(std::move(next));
  }
  return folder;
}

Result<os::UniqueFd> RootDir::make_parent(std::string_view path, std::string& name) const {
  auto parts = parts_of(path);
  if (parts.empty() || parts.back() == "..") {
    return fail(Errc::Invalid, "\"" + std::string(path) + "\" names no file");
  }
  name = std::move(parts.back());
  parts.pop_back();
  std::string parent;
  for (auto const& part : parts) parent += "/" + part;
  return make_folder(parent);
}

Result<os::UniqueFd> RootDir::make_file(std::string_view path) const {
  auto whole = resolve(path, O_PATH, 0);
  if (whole || whole.error().code != Errc::NotFound) return whole;
  std::string name;
  auto const folder = BH_TRY(make_parent(path, name));
  // O_EXCL: whatever stands there now, link or file, was put there behind our back.
  int const fd = ::openat(folder.get(), name.c_str(),
                          O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, kFileMode);
  if (fd < 0) return fail_errno("make " + std::string(path) + " in the container", errno);
  os::UniqueFd const made(fd);
  return open_child(folder.get(), name, 0);
}

}  // namespace bh::jail
