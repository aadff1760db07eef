#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

/// Makes `path` with all above it (mode 0755 less umask; `mode` for the last). What is there stays.
Result<> make_folders(std::string const& path, unsigned mode = 0755);

/// A descriptor to reach files of the folder by.
Result<UniqueFd> open_folder(std::string const& path);

/// Names in the folder `path` of `folder`, in no order, without "." and "..". A folder that is not
/// there is empty.
Result<std::vector<std::string>> names_in(int folder, std::string const& path);

/// Removes `path` of `folder` with all below it, following no link. What is not there is removed.
Result<> remove_tree(int folder, std::string const& path);

}  // namespace bh::os
