#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/byte_source.h"
#include "image/names.h"
#include "image/platform.h"
#include "image/store.h"

namespace bh::image {

struct LoadOptions {
  Platform platform = Platform::host();
  /// Names the image, of which there must then be but one; empty for the archive's own names.
  std::string name;
};

/// Takes images out of an OCI layout's folder.
Result<std::vector<NamedImage>> load_folder(Store const& store, std::string const& folder,
                                            LoadOptions const& options);

/// The same of a tar, compressed or not: an OCI layout, or what `docker save` writes.
Result<std::vector<NamedImage>> load_archive(Store const& store, std::unique_ptr<ByteSource> tar,
                                             LoadOptions const& options);

/// A folder, a file, or "-" for standard input.
Result<std::vector<NamedImage>> load(Store const& store, std::string const& path,
                                     LoadOptions const& options);

}  // namespace bh::image
