// Operations on open files.
#include <sys/uio.h>
#include <unistd.h>

#include <vector>

#include "vmm/virtio/fs/server.h"

namespace bh::vmm::virtio {

namespace {

std::vector<iovec> vectors(std::span<Segment const> parts) {
  std::vector<iovec> vectors;
  for (auto const& part : parts) {
    vectors.push_back({.iov_base = part.bytes.data(), .iov_len = part.bytes.size()});
  }
  return vectors;
}

/// A file offset of the guest's as the host's; EINVAL for what would be negative.
Outcome<off_t> offset_of(std::uint64_t offset) {
  if (offset > INT64_MAX) return refuse(EINVAL);
  return static_cast<off_t>(offset);
}

}  // namespace

Outcome<> FsServer::open(FuseRequest& request) {
  int const entry = BH_TRY(nodes_.descriptor(request.header().nodeid));
  auto const wanted = BH_TRY(request.arguments<fuse_open_in>());
  auto file = BH_TRY(folder_.open_for_io(entry, static_cast<int>(wanted.flags)));
  fuse_open_out answer{};
  answer.fh = BH_TRY(handles_.add(std::move(file)));
  return request.reply(answer);
}

Outcome<> FsServer::release(FuseRequest& request) {
  auto const released = BH_TRY(request.arguments<fuse_release_in>());
  handles_.close(released.fh);
  return {};
}

Outcome<> FsServer::read(FuseRequest& request) {
  auto const wanted = BH_TRY(request.arguments<fuse_read_in>());
  int const file = BH_TRY(handles_.descriptor(wanted.fh));
  auto const offset = BH_TRY(offset_of(wanted.offset));
  auto const room = request.bytes_out(wanted.size);
  auto const into = vectors(room);
  // A chain is no longer than a queue, which is below IOV_MAX.
  ssize_t const count = ::preadv(file, into.data(), static_cast<int>(into.size()), offset);
  if (count < 0) return refuse(errno);
  request.written(room, static_cast<std::uint32_t>(count));
  metrics_.read_bytes.add(static_cast<std::uint64_t>(count));
  return {};
}

Outcome<> FsServer::write(FuseRequest& request) {
  auto const wanted = BH_TRY(request.arguments<fuse_write_in>());
  int const file = BH_TRY(handles_.descriptor(wanted.fh));
  auto const offset = BH_TRY(offset_of(wanted.offset));
  auto const parts = BH_TRY(request.bytes_in(wanted.size));
  auto const from = vectors(parts);
  ssize_t const count = ::pwritev(file, from.data(), static_cast<int>(from.size()), offset);
  if (count < 0) return refuse(errno);
  metrics_.write_bytes.add(static_cast<std::uint64_t>(count));
  fuse_write_out answer{};
  answer.size = static_cast<std::uint32_t>(count);
  return request.reply(answer);
}

Outcome<> FsServer::synchronise(FuseRequest& request) {
  auto const wanted = BH_TRY(request.arguments<fuse_fsync_in>());
  int const file = BH_TRY(handles_.descriptor(wanted.fh));
  bool const data_only = (wanted.fsync_flags & FUSE_FSYNC_FDATASYNC) != 0;
  if ((data_only ? ::fdatasync(file) : ::fsync(file)) != 0) return refuse(errno);
  return {};
}

Outcome<> FsServer::allocate(FuseRequest& request) {
  auto const wanted = BH_TRY(request.arguments<fuse_fallocate_in>());
  int const file = BH_TRY(handles_.descriptor(wanted.fh));
  auto const offset = BH_TRY(offset_of(wanted.offset));
  auto const length = BH_TRY(offset_of(wanted.length));
  constexpr std::uint32_t kModes =
      FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
  if ((wanted.mode & ~kModes) != 0) return refuse(EOPNOTSUPP);
  if (::fallocate(file, static_cast<int>(wanted.mode), offset, length) != 0) return refuse(errno);
  return {};
}

Outcome<> FsServer::seek(FuseRequest& request) {
  auto const wanted = BH_TRY(request.arguments<fuse_lseek_in>());
  int const file = BH_TRY(handles_.descriptor(wanted.fh));
  auto const offset = BH_TRY(offset_of(wanted.offset));
  // The guest keeps the other positions itself.
  if (wanted.whence != SEEK_DATA && wanted.whence != SEEK_HOLE) return refuse(EINVAL);
  off_t const found = ::lseek(file, offset, static_cast<int>(wanted.whence));
  if (found < 0) return refuse(errno);
  fuse_lseek_out answer{};
  answer.offset = static_cast<std::uint64_t>(found);
  return request.reply(answer);
}

}  // namespace bh::vmm::virtio
