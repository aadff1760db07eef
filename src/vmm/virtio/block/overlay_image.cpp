#include "vmm/virtio/block/overlay_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "vmm/virtio/block/transfer.h"

namespace bh::vmm::virtio {

Result<std::unique_ptr<OverlayImage>> OverlayImage::create(std::unique_ptr<BlockImage> base) {
  os::UniqueFd file(::memfd_create("overlay", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("memfd_create for an overlay", errno);
  if (::ftruncate(file.get(), static_cast<off_t>(base->size())) != 0) {
    return fail_errno("ftruncate of an overlay to " + std::to_string(base->size()) + " bytes",
                      errno);
  }
  return std::unique_ptr<OverlayImage>(new OverlayImage(std::move(base), std::move(file)));
}

OverlayImage::OverlayImage(std::unique_ptr<BlockImage> base, os::UniqueFd file)
    : base_(std::move(base)),
      file_(std::move(file)),
      present_((base_->size() + kCluster - 1) / kCluster) {}

Result<> OverlayImage::read(std::uint64_t offset, std::span<Segment const> into) {
  ChainReader parts(into);
  std::vector<Segment> part;
  std::uint64_t const end = offset + total_size(into);
  while (offset < end) {
    // A run of clusters that lie in the same place.
    bool const here = has(offset / kCluster);
    std::uint64_t stop = offset;
    while (stop < end && has(stop / kCluster) == here) stop = (stop / kCluster + 1) * kCluster;
    stop = std::min(stop, end);
    part.clear();
    parts.take(stop - offset, part);
    if (here) {
      BH_TRY(transfer(file_.get(), Direction::Read, offset, part));
    } else {
      BH_TRY(base_->read(offset, part));
    }
    offset = stop;
  }
  return {};
}

Result<> OverlayImage::fill_from_base(std::uint64_t cluster) {
  if (has(cluster)) return {};
  std::array<std::byte, kCluster> bytes;
  std::uint64_t const offset = cluster * kCluster;
  Segment const piece{
      .address = {},
      .bytes = std::span(bytes).first(std::min<std::uint64_t>(kCluster, size() - offset))};
  BH_TRY(base_->read(offset, std::span(&piece, 1)));
  return transfer(file_.get(), Direction::Write, offset, std::span(&piece, 1));
}

/// The clusters at both ends of a write are written in part: the rest comes from below.
Result<> OverlayImage::prepare_edges(std::uint64_t offset, std::uint64_t size) {
  std::uint64_t const end = offset + size;
  if (offset % kCluster != 0) BH_TRY(fill_from_base(offset / kCluster));
  if (end % kCluster != 0 && end != this->size()) BH_TRY(fill_from_base(end / kCluster));
  return {};
}

Result<> OverlayImage::write(std::uint64_t offset, std::span<Segment const> from) {
  std::uint64_t const size = total_size(from);
  BH_TRY(prepare_edges(offset, size));
  BH_TRY(transfer(file_.get(), Direction::Write, offset, from));
  for (std::uint64_t at = offset / kCluster; at * kCluster < offset + size; ++at) {
    present_[at] = true;
  }
  return {};
}

Result<> OverlayImage::write_zeroes(std::uint64_t offset, std::uint64_t size, Unmap /*unmap*/) {
  BH_TRY(prepare_edges(offset, size));
  if (::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(offset), static_cast<off_t>(size)) != 0) {
    return fail_errno("fallocate of an overlay", errno);
  }
  for (std::uint64_t at = offset / kCluster; at * kCluster < offset + size; ++at) {
    present_[at] = true;
  }
  return {};
}

Result<> OverlayImage::discard(std::uint64_t offset, std::uint64_t size) {
  return write_zeroes(offset, size, Unmap::Yes);
}

}  // namespace bh::vmm::virtio
