#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "vmm/virtio/block/image.h"
#include "vmm/virtio/block/qcow2/image.h"

namespace bh::vmm::virtio::qcow2 {

/// Whether an image may name other files of the host for the guest to read. Who did not make the
/// image should not let it.
enum class Backing : std::uint8_t { Refuse, Allow };

/// As many images may lie on top of each other; a circle ends there, too.
inline constexpr unsigned kMaxDepth = 16;

/// Opens the image at `path` and those below it, which are only read. A backing file's format is
/// never guessed: a guest could write into a raw image what looks like another format.
Result<std::unique_ptr<BlockImage>> open_image(std::string const& path, Image::Access access,
                                               Backing backing);

}  // namespace bh::vmm::virtio::qcow2
