#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "image/erofs_content.h"
#include "image/file_tree.h"

namespace bh::image::erofs {

/// Writes inodes, folders and the super block behind the contents, which makes `area`'s file a
/// file system that Linux mounts. `uuid` is its name; the same input gives the same bytes.
Result<> write_metadata(FileTree const& tree, ContentArea& area,
                        std::array<std::uint8_t, 16> const& uuid);

}  // namespace bh::image::erofs
