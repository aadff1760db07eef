#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/image.h"
#include "image/store.h"

namespace bh::image {

/// The file that has all of an image, or of layers, as one read-only file system (EROFS), for
/// microVMs; made first if it is not there yet, by one process at a time, without root. All
/// machines share it. Call it between Store::begin_adding() and the end of that lock.
Result<std::string> disk_image(Store const& store, std::span<Descriptor const> layers,
                               std::vector<Digest> const& diff_ids);
Result<std::string> disk_image(Store const& store, Image const& image);

/// Writes the layers, the lowest first, into the empty file `out`.
Result<> write_disk_image(Store const& store, std::span<Descriptor const> layers,
                          std::span<Digest const> diff_ids, os::UniqueFd out);

}  // namespace bh::image
