#pragma once

#include <cstddef>
#include <span>

#include "base/error.h"
#include "vmm/virtio/block/qcow2/header.h"

namespace bh::vmm::virtio::qcow2 {

/// Fills `out` from a compressed cluster, whose end may be followed by bytes of others.
/// Errc::Corrupt if there are not as many.
Result<> decompress(Header::Compression compression, std::span<std::byte const> in,
                    std::span<std::byte> out);

}  // namespace bh::vmm::virtio::qcow2
