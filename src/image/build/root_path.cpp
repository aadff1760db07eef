#include "image/build/root_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace bh::image::build {

Result<os::UniqueFd> open_in_root(int root, std::string_view path, std::uint64_t flags) {
  ::open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  std::string const name = path.empty() ? "." : std::string(path);
  while (true) {
    long const fd = ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how);
    if (fd >= 0) return os::UniqueFd(static_cast<int>(fd));
    if (errno != EAGAIN && errno != EINTR)
      return fail_errno("open " + name + " of the image", errno);
  }
}

std::string absolute_path(std::string_view folder, std::string_view path) {
  std::vector<std::string_view> parts;
  std::string const whole =
      path.starts_with('/') ? std::string(path) : std::string(folder) + "/" + std::string(path);
  for (std::string_view rest = whole; !rest.empty();) {
    auto const slash = rest.find('/');
    auto const part = rest.substr(0, slash);
    rest.remove_prefix(slash == rest.npos ? rest.size() : slash + 1);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string out;
  for (auto const part : parts) out += "/" + std::string(part);
  return out.empty() ? "/" : out;
}

Result<os::UniqueFd> make_folder_in_root(int root, std::string const& path) {
  auto whole = open_in_root(root, path, O_RDONLY | O_DIRECTORY);
  if (whole || whole.error().code != Errc::NotFound) return whole;
  auto const slash = path.rfind('/');
  auto const above = slash == std::string::npos ? "" : path.substr(0, slash);
  auto const name = slash == std::string::npos ? path : path.substr(slash + 1);
  auto const parent = BH_TRY(make_folder_in_root(root, above));
  // Who is there already may be a link to nowhere, and then the last line says so.
  if (::mkdirat(parent.get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
    return fail_errno("make " + path + " in the image", errno);
  }
  return open_in_root(root, path, O_RDONLY | O_DIRECTORY);
}

}  // namespace bh::image::build
