#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "image/store.h"

namespace bh::image {

/// One line of the store's index.json: a manifest, and a name that means it.
struct NamedImage {
  std::string name;  // Reference::text(), or empty for an image that has lost its name.
  Descriptor manifest;
  /// What the registry called it, if that was an index of several platforms.
  std::optional<Digest> pulled;
};

Result<std::vector<NamedImage>> read_names(Store const& store);

/// Lets `name` mean this manifest and nothing else. What it meant before stays, without a name,
/// until garbage is collected.
Result<> set_name(Store const& store, NamedImage const& image);

/// Held while lines are changed: nobody else changes one meanwhile.
Result<os::FileLock> lock_names(Store const& store);
/// Removes the lines for which `matches` holds; returns them. `names` is lock_names().
Result<std::vector<NamedImage>> remove_names(Store const& store, os::FileLock const& names,
                                             std::function<bool(NamedImage const&)> const& matches);

}  // namespace bh::image
