#include "image/file_attributes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace bh::image {

namespace {

std::array<timespec, 2> times_of(Entry const& entry) {
  timespec const time{.tv_sec = entry.seconds, .tv_nsec = static_cast<long>(entry.nanoseconds)};
  return {time, time};
}

}  // namespace

Result<> set_all(int file, Entry const& entry, bool as_root) {
  BH_TRY(set_owner_mode_and_times(file, entry, as_root));
  // After the owner, whose change takes security.capability away.
  return set_attributes(file, entry);
}

Result<> set_attributes(int file, Entry const& entry) {
  for (auto const& [name, value] : entry.attributes) {
    if (::fsetxattr(file, name.c_str(), value.data(), value.size(), 0) == 0) continue;
    // Without root there are no file capabilities to give; ACLs are as the file system likes.
    if ((errno == EPERM && ::geteuid() != 0) || errno == EOPNOTSUPP) continue;
    return fail_errno("set " + name + " of \"" + entry.path + "\"", errno);
  }
  return {};
}

Result<> set_owner_mode_and_times(int file, Entry const& entry, bool as_root) {
  if (as_root && (entry.uid | entry.gid) != 0 && ::fchown(file, entry.uid, entry.gid) != 0) {
    return fail_errno("set the owner of \"" + entry.path + "\"", errno);
  }
  if (::fchmod(file, entry.mode) != 0) {
    return fail_errno("set the mode of \"" + entry.path + "\"", errno);
  }
  auto const times = times_of(entry);
  if (::futimens(file, times.data()) != 0) {
    return fail_errno("set the time of \"" + entry.path + "\"", errno);
  }
  return {};
}

Result<> set_owner_and_times(int folder, std::string const& name, Entry const& entry,
                             bool as_root) {
  if (as_root && (entry.uid | entry.gid) != 0 &&
      ::fchownat(folder, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("set the owner of \"" + entry.path + "\"", errno);
  }
  auto const times = times_of(entry);
  if (::utimensat(folder, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("set the time of \"" + entry.path + "\"", errno);
  }
  return {};
}

}  // namespace bh::image
