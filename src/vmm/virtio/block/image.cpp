#include "vmm/virtio/block/image.h"

#include <utility>

#include "vmm/virtio/block/overlay_image.h"
#include "vmm/virtio/block/qcow2/open.h"
#include "vmm/virtio/block/raw_image.h"

namespace bh::vmm::virtio {

namespace {

Result<std::unique_ptr<BlockImage>> open_file_image(DriveConfig const& config, bool read_only) {
  if (config.format == DriveFormat::Qcow2) {
    return qcow2::open_image(
        config.path_on_host,
        read_only ? qcow2::Image::Access::ReadOnly : qcow2::Image::Access::ReadWrite,
        config.allow_backing_file ? qcow2::Backing::Allow : qcow2::Backing::Refuse);
  }
  auto raw = BH_TRY(RawImage::open(
      config.path_on_host, read_only ? RawImage::Access::ReadOnly : RawImage::Access::ReadWrite));
  return raw;
}

}  // namespace

Result<std::unique_ptr<BlockImage>> open_image(DriveConfig const& config) {
  bool const overlay = config.overlay == DriveOverlay::Ephemeral;
  auto image = BH_TRY(open_file_image(config, config.is_read_only || overlay));
  if (!overlay) return image;
  auto over = BH_TRY(OverlayImage::create(std::move(image)));
  return over;
}

}  // namespace bh::vmm::virtio
