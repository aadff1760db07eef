#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "image/store.h"

namespace bh::image {

/// What may be of use again: half-finished downloads, and layers that builds have made.
enum class Downloads : std::uint8_t { Keep, Remove };

struct Swept {
  std::size_t blobs = 0;
  std::size_t layers = 0;
  std::size_t disks = 0;
  std::uint64_t bytes = 0;  // Of files; of unpacked layers the blobs' count.
};

/// Removes what no line of index.json needs and nobody uses (image/adding.h): blobs, unpacked
/// layers, disk images, and if asked to, half-finished downloads and what builds remember.
/// `collecting` is Store::begin_collecting().
Result<Swept> collect_garbage(Store const& store, os::FileLock const& collecting,
                              Downloads downloads);

/// After something was removed: the same, keeping downloads. What could not be removed is another
/// time.
void tidy(Store const& store);

}  // namespace bh::image
