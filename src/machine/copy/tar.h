#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "image/folder_tar.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// Writes the tar of a copy: `what` is an O_PATH descriptor of a file, a folder or a symbolic link.
/// Other file systems in a folder, sockets and devices are left out.
Result<> tar_for_copy(os::UniqueFd const& what, image::Owners owners,
                      image::TarOutput const& write);

}  // namespace bh::machine
