#include "image/file_attributes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "os/id_map.h"

namespace bh::image {

namespace {

std::array<timespec, 2> times_of(Entry const& entry) {
  timespec const time{.tv_sec = entry.seconds, .tv_nsec = static_cast<long>(entry.nanoseconds)};
  return {time, time};
}

std::unexpected<Error> no_owner(Entry const& entry, int error) {
  // In a user namespace that has no such id.
  if (error == EINVAL) {
    return fail(
        Errc::Unsupported,
        fmt::format("\"{}\" belongs to user {} and group {}, and this user has fewer ids to "
                    "give (root can give more in /etc/subuid and /etc/subgid; 65536 are "
                    "usual)",
                    entry.path, entry.uid, entry.gid));
  }
  return fail_errno("set the owner of \"" + entry.path + "\"", error);
}

}  // namespace

bool may_give_files_away() {
  if (::geteuid() != 0) return false;
  auto const maps = os::own_id_maps();
  if (!maps) return true;
  return maps->users.size() > 1 || (maps->users.size() == 1 && maps->users.front().count > 1);
}

Result<> set_all(int file, Entry const& entry, bool gives_away) {
  BH_TRY(set_owner_mode_and_times(file, entry, gives_away));
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

Result<> set_owner_mode_and_times(int file, Entry const& entry, bool gives_away) {
  if (gives_away && (entry.uid | entry.gid) != 0 && ::fchown(file, entry.uid, entry.gid) != 0) {
    return no_owner(entry, errno);
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
                             bool gives_away) {
  if (gives_away && (entry.uid | entry.gid) != 0 &&
      ::fchownat(folder, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return no_owner(entry, errno);
  }
  auto const times = times_of(entry);
  if (::utimensat(folder, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("set the time of \"" + entry.path + "\"", errno);
  }
  return {};
}

}  // namespace bh::image
