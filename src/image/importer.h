#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "image/byte_source.h"
#include "image/config.h"
#include "image/folder_tar.h"
#include "image/names.h"
#include "image/store.h"

namespace bh::image {

/// Makes an image of one layer: a tar of a root file system, compressed or not, which is kept as it
/// is once it has been read to its end as machines would read it. `config` lacks only the layer.
Result<NamedImage> import_tar(Store const& store, std::unique_ptr<ByteSource> tar,
                              ImageConfig config, std::string const& name);

/// The same of a folder, without devices and other file systems.
Result<NamedImage> import_folder(Store const& store, std::string const& folder, Owners owners,
                                 ImageConfig config, std::string const& name);

/// "2024-01-02T03:04:05Z" of now, or of $SOURCE_DATE_EPOCH.
std::string creation_time();

}  // namespace bh::image
