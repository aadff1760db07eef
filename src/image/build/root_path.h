#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::image::build {

/// Opens `path` of the root file system `root` as a process in it would: links lead nowhere else.
Result<os::UniqueFd> open_in_root(int root, std::string_view path, std::uint64_t flags);

/// The folder `path` of the root file system, made with all above it if it is not there.
Result<os::UniqueFd> make_folder_in_root(int root, std::string const& path);

/// "/a/b" of "b" in the folder "/a"; ".." and "." are resolved as text.
std::string absolute_path(std::string_view folder, std::string_view path);

}  // namespace bh::image::build
