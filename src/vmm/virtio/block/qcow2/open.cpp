#include "vmm/virtio/block/qcow2/open.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "os/file.h"
#include "vmm/virtio/block/qcow2/header.h"
#include "vmm/virtio/block/raw_image.h"

namespace bh::vmm::virtio::qcow2 {

namespace {

using AnyImage = std::unique_ptr<BlockImage>;

Result<AnyImage> open_at_depth(std::string const& path, Image::Access access, Backing backing,
                               unsigned depth);

/// "nbd://host", "json:{...}": what QEMU takes for a protocol.
bool is_protocol(std::string const& name) {
  auto const colon = name.find(':');
  return colon != std::string::npos && name.find('/') > colon;
}

Result<AnyImage> open_below(std::string const& path, Header const& header, Backing backing,
                            unsigned depth) {
  auto const& name = header.backing_file;
  if (backing == Backing::Refuse) {
    return fail(Errc::Denied,
                fmt::format("{}: it has the backing file {}, which it may only read with "
                            "\"allow_backing_file\": true",
                            path, name));
  }
  if (is_protocol(name)) {
    return fail(Errc::Unsupported,
                fmt::format("{}: backing file {}: not a file: not supported", path, name));
  }
  // Relative to the image, as QEMU takes it; an absolute name stays.
  auto const full = (std::filesystem::path(path).parent_path() / name).string();
  if (header.backing_format == "raw") {
    auto raw = BH_TRY(RawImage::open(full, RawImage::Access::ReadOnly));
    return AnyImage(std::move(raw));
  }
  if (header.backing_format == "qcow2") {
    return open_at_depth(full, Image::Access::ReadOnly, backing, depth + 1);
  }
  if (header.backing_format.empty()) {
    return fail(Errc::Unsupported,
                fmt::format("{}: it does not say which format its backing file has; run `qemu-img "
                            "rebase -u -F FORMAT -b {} {}`",
                            path, name, path));
  }
  return fail(Errc::Unsupported, fmt::format("{}: backing file of the format {}: not supported",
                                             path, header.backing_format));
}

Result<AnyImage> open_at_depth(std::string const& path, Image::Access access, Backing backing,
                               unsigned depth) {
  if (depth > kMaxDepth) {
    return fail(Errc::Invalid,
                fmt::format("{}: more than {} images on top of each other", path, kMaxDepth));
  }
  int const flags = access == Image::Access::ReadWrite ? O_RDWR : O_RDONLY;
  auto file = BH_TRY(os::open_file(path, flags | O_NONBLOCK));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat " + path, errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::Invalid, path + ": not a regular file");
  std::vector<std::byte> start(
      std::min<std::uint64_t>(static_cast<std::uint64_t>(info.st_size), Header::kMostBytes));
  BH_TRY(os::read_exact_at(file, start, 0));
  auto const header = parse_header(start);
  if (!header) return std::unexpected(Error(header.error()).while_doing(path));
  AnyImage below;
  if (!header->backing_file.empty()) {
    auto opened = BH_TRY(open_below(path, *header, backing, depth));
    below = std::move(opened);
  }
  auto image = Image::open(std::move(file), *header, access, std::move(below));
  if (!image) return std::unexpected(std::move(image).error().while_doing(path));
  return AnyImage(*std::move(image));
}

}  // namespace

Result<std::unique_ptr<BlockImage>> open_image(std::string const& path, Image::Access access,
                                               Backing backing) {
  return open_at_depth(path, access, backing, 1);
}

}  // namespace bh::vmm::virtio::qcow2
