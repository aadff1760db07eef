#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "image/image.h"
#include "image/store.h"
#include "os/unique_fd.h"

namespace bh::image {

/// Writes a tar that is both an OCI layout and what `docker load` reads: each finds its own index
/// of the same blobs.
Result<> save_archive(Store const& store, std::span<Image const> images, os::UniqueFd const& out);

/// Writes an OCI layout's folder, which is made; what is in it already stays.
Result<> save_folder(Store const& store, std::span<Image const> images, std::string const& folder);

}  // namespace bh::image
