// What the guest is told about an entry, and what it may change of it.
#include <unistd.h>

#include "vmm/virtio/fs/server.h"

namespace bh::vmm::virtio {

namespace {

constexpr std::uint64_t kValidSeconds = 1;
constexpr std::uint32_t kNanoseconds = 1'000'000'000;

Outcome<timespec> time_of(std::uint64_t seconds, std::uint32_t nanoseconds) {
  if (nanoseconds >= kNanoseconds) return refuse(EINVAL);
  return timespec{static_cast<time_t>(seconds), static_cast<long>(nanoseconds)};
}

}  // namespace

fuse_attr FsServer::attributes(struct stat const& info) const {
  fuse_attr attr{};
  attr.ino = info.st_ino;
  attr.size = static_cast<std::uint64_t>(info.st_size);
  attr.blocks = static_cast<std::uint64_t>(info.st_blocks);
  attr.atime = static_cast<std::uint64_t>(info.st_atim.tv_sec);
  attr.mtime = static_cast<std::uint64_t>(info.st_mtim.tv_sec);
  attr.ctime = static_cast<std::uint64_t>(info.st_ctim.tv_sec);
  attr.atimensec = static_cast<std::uint32_t>(info.st_atim.tv_nsec);
  attr.mtimensec = static_cast<std::uint32_t>(info.st_mtim.tv_nsec);
  attr.ctimensec = static_cast<std::uint32_t>(info.st_ctim.tv_nsec);
  attr.mode = info.st_mode;
  attr.nlink = static_cast<std::uint32_t>(info.st_nlink);
  attr.uid = options_.users.to_guest(info.st_uid);
  attr.gid = options_.groups.to_guest(info.st_gid);
  attr.rdev = static_cast<std::uint32_t>(info.st_rdev);
  attr.blksize = static_cast<std::uint32_t>(info.st_blksize);
  return attr;
}

Outcome<> FsServer::reply_attributes(FuseRequest& request, int entry) {
  auto const info = BH_TRY(Folder::describe(entry));
  fuse_attr_out answer{};
  answer.attr_valid = kValidSeconds;
  answer.attr = attributes(info);
  return request.reply(answer);
}

Outcome<> FsServer::get_attributes(FuseRequest& request) {
  int const entry = BH_TRY(nodes_.descriptor(request.header().nodeid));
  return reply_attributes(request, entry);
}

Outcome<> FsServer::set_attributes(FuseRequest& request) {
  int const entry = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const wanted = BH_TRY(request.arguments<fuse_setattr_in>());
  if ((wanted.valid & (FATTR_UID | FATTR_GID)) != 0) BH_TRY(set_owner(entry, wanted));
  // After the owner: a change of that takes bits away.
  if ((wanted.valid & FATTR_MODE) != 0) BH_TRY(folder_.change_mode(entry, wanted.mode));
  if ((wanted.valid & FATTR_SIZE) != 0) BH_TRY(set_size(entry, wanted));
  if ((wanted.valid & (FATTR_ATIME | FATTR_MTIME)) != 0) BH_TRY(set_times(entry, wanted));
  return reply_attributes(request, entry);
}

Outcome<> FsServer::set_owner(int entry, fuse_setattr_in const& wanted) {
  auto uid = static_cast<uid_t>(-1);
  auto gid = static_cast<gid_t>(-1);
  if ((wanted.valid & FATTR_UID) != 0) {
    auto const mapped = options_.users.to_host(wanted.uid);
    if (!mapped) return refuse(EPERM);
    uid = *mapped;
  }
  if ((wanted.valid & FATTR_GID) != 0) {
    auto const mapped = options_.groups.to_host(wanted.gid);
    if (!mapped) return refuse(EPERM);
    gid = *mapped;
  }
  return folder_.change_owner(entry, uid, gid);
}

Outcome<> FsServer::set_size(int entry, fuse_setattr_in const& wanted) {
  if ((wanted.valid & FATTR_FH) == 0) return folder_.change_size(entry, wanted.size);
  // Through the open file: its mode may have become one that does not let it be opened again.
  int const file = BH_TRY(handles_.descriptor(wanted.fh));
  if (wanted.size > INT64_MAX) return refuse(EINVAL);
  if (::ftruncate(file, static_cast<off_t>(wanted.size)) != 0) return refuse(errno);
  return {};
}

Outcome<> FsServer::set_times(int entry, fuse_setattr_in const& wanted) {
  std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{0, UTIME_OMIT}};
  if ((wanted.valid & FATTR_ATIME_NOW) != 0) {
    times[0].tv_nsec = UTIME_NOW;
  } else if ((wanted.valid & FATTR_ATIME) != 0) {
    times[0] = BH_TRY(time_of(wanted.atime, wanted.atimensec));
  }
  if ((wanted.valid & FATTR_MTIME_NOW) != 0) {
    times[1].tv_nsec = UTIME_NOW;
  } else if ((wanted.valid & FATTR_MTIME) != 0) {
    times[1] = BH_TRY(time_of(wanted.mtime, wanted.mtimensec));
  }
  return folder_.change_times(entry, times);
}

}  // namespace bh::vmm::virtio
