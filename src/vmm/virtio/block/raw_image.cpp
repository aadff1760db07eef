#include "vmm/virtio/block/raw_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "os/file.h"
#include "vmm/virtio/block/transfer.h"

namespace bh::vmm::virtio {

namespace {

/// As Firecracker makes it: device, file and inode tell files apart.
std::string serial_of(struct stat const& info) {
  auto text = fmt::format("{}{}{}", info.st_dev, info.st_rdev, info.st_ino);
  text.resize(std::min<std::size_t>(text.size(), 20));
  return text;
}

}  // namespace

Result<std::unique_ptr<RawImage>> RawImage::open(std::string const& path, Access access) {
  int const flags = access == Access::ReadOnly ? O_RDONLY : O_RDWR;
  // A FIFO would make us wait; O_NONBLOCK means nothing to files and devices.
  auto file = BH_TRY(os::open_file(path, flags | O_NONBLOCK));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat " + path, errno);
  std::uint64_t size = 0;
  if (S_ISREG(info.st_mode)) {
    size = static_cast<std::uint64_t>(info.st_size);
  } else if (S_ISBLK(info.st_mode)) {
    if (::ioctl(file.get(), BLKGETSIZE64, &size) != 0) {
      return fail_errno("BLKGETSIZE64 of " + path, errno);
    }
  } else {
    return fail(Errc::Invalid, path + ": neither a regular file nor a block device");
  }
  return std::unique_ptr<RawImage>(new RawImage(std::move(file), size / kSectorSize * kSectorSize,
                                                serial_of(info), S_ISBLK(info.st_mode)));
}

Result<> RawImage::read(std::uint64_t offset, std::span<Segment const> into) {
  return transfer(file_.get(), Direction::Read, offset, into);
}

Result<> RawImage::write(std::uint64_t offset, std::span<Segment const> from) {
  return transfer(file_.get(), Direction::Write, offset, from);
}

Result<> RawImage::flush() {
  if (::fdatasync(file_.get()) != 0) return fail_errno("fdatasync", errno);
  return {};
}

Result<> RawImage::write_zeroes(std::uint64_t offset, std::uint64_t size, Unmap unmap) {
  if (device_) {
    std::array<std::uint64_t, 2> range{offset, size};
    if (::ioctl(file_.get(), BLKZEROOUT, range.data()) != 0) return fail_errno("BLKZEROOUT", errno);
    return {};
  }
  int const mode = unmap == Unmap::Yes ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
                                       : FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
  if (::fallocate(file_.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(size)) == 0) {
    return {};
  }
  if (errno != EOPNOTSUPP) return fail_errno("fallocate", errno);
  return write_zero_bytes(file_.get(), offset, size);
}

Result<> RawImage::discard(std::uint64_t offset, std::uint64_t size) {
  if (device_) {
    std::array<std::uint64_t, 2> range{offset, size};
    bool const done = ::ioctl(file_.get(), BLKDISCARD, range.data()) == 0;
    if (!done && errno != EOPNOTSUPP) return fail_errno("BLKDISCARD", errno);
    return {};
  }
  bool const done = ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                static_cast<off_t>(offset), static_cast<off_t>(size)) == 0;
  // A file system that cannot give the room back keeps the bytes, which is as good.
  if (!done && errno != EOPNOTSUPP) return fail_errno("fallocate", errno);
  return {};
}

}  // namespace bh::vmm::virtio
