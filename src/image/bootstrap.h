#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/names.h"
#include "image/store.h"

namespace bh::image {

/// The suite of a Debian by its version or its name: "12" and "bookworm" are bookworm.
Result<std::string> debian_suite(std::string_view version);

struct DebianOptions {
  std::string suite;
  std::vector<std::string> packages;  // Beside those that must be there, and apt.
};

/// Makes an image of Debian with mmdebstrap, from the package sources this machine's apt is
/// configured with. Without root it needs user namespaces.
Result<NamedImage> bootstrap_debian(Store const& store, DebianOptions const& options,
                                    std::string const& name);

/// Makes an image around the static busybox of this machine.
Result<NamedImage> bootstrap_busybox(Store const& store, std::string const& name);

}  // namespace bh::image
