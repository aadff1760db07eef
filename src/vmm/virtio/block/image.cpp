#include "vmm/virtio/block/image.h"

#include <utility>

#include "vmm/virtio/block/overlay_image.h"
#include "vmm/virtio/block/raw_image.h"

namespace bh::vmm::virtio {

Result<std::unique_ptr<BlockImage>> open_image(DriveConfig const& config) {
  bool const overlay = config.overlay == DriveOverlay::Ephemeral;
  auto const access =
      config.is_read_only || overlay ? RawImage::Access::ReadOnly : RawImage::Access::ReadWrite;
  auto raw = BH_TRY(RawImage::open(config.path_on_host, access));
  if (!overlay) return raw;
  auto over = BH_TRY(OverlayImage::create(std::move(raw)));
  return over;
}

}  // namespace bh::vmm::virtio
