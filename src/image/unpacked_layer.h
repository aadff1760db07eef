#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "image/image.h"
#include "image/store.h"

namespace bh::image {

/// The folder a layer is unpacked in, which overlayfs can have as a lower one; unpacked first if it
/// is not yet, by one process at a time. Errc::Corrupt if its tar is not what `diff_id` says.
/// In a user namespace, files belong to its ids, and namespaces with others have other folders.
/// Call it between Store::begin_adding() and the end of that lock.
Result<std::string> unpacked_layer(Store const& store, Descriptor const& layer,
                                   Digest const& diff_id);

/// All layers of an image, the lowest first.
Result<std::vector<std::string>> unpacked_layers(Store const& store, Image const& image);

}  // namespace bh::image
