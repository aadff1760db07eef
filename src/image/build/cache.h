#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/manifest.h"
#include "image/store.h"

namespace bh::image::build {

/// Folders of RUN --mount=type=cache, in the store.
inline constexpr char kCachesFolder[] = "cache";

/// A layer that a step has made.
struct StepLayer {
  Descriptor layer;
  Digest diff_id;
};

/// What an earlier build made of the same step on top of the same; nothing if there was none, or
/// if its layer has gone.
std::optional<StepLayer> cached_layer(Store const& store, Digest const& key);
/// All there are.
std::vector<StepLayer> cached_layers(Store const& store);
Result<> remember_layer(Store const& store, Digest const& key, StepLayer const& made);

}  // namespace bh::image::build
