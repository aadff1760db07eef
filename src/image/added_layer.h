#pragma once

#include <cstddef>

#include "base/error.h"
#include "image/blob_writer.h"
#include "image/manifest.h"
#include "image/store.h"

namespace bh::image {

/// Keeps what was written, a tar, as an uncompressed layer.
Result<Descriptor> keep_layer(BlobWriter& writer);

struct LayerContent {
  Digest diff_id;
  std::size_t entries;
};

/// Reads a layer to its end as machines would read it, so that one from outside is refused now
/// rather than by them.
Result<LayerContent> inspect_layer(Store const& store, Descriptor const& layer);

}  // namespace bh::image
