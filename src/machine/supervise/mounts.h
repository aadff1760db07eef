#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "image/image.h"
#include "machine/definition.h"

namespace bh::machine {

/// The mounts of a definition for a run: a volume is the folder of its files then, which is made
/// if this is its first use, with what `image` has at its place if we are root. Errc::NotFound if
/// a folder of the host is not there.
Result<std::vector<Mount>> prepare_mounts(Definition const& definition, std::string const& root,
                                          image::Store const& store, image::Image const& image);

}  // namespace bh::machine
