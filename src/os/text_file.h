#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

/// Opens relative to the folder `folder` (AT_FDCWD for the working directory), close-on-exec.
Result<UniqueFd> open_at(int folder, std::string const& path, int flags, unsigned mode = 0);

/// All of a file whose size need not be known, such as those of /proc. More than `limit` bytes
/// fail.
Result<std::string> read_text(UniqueFd const& file, std::size_t limit);
Result<std::string> read_text_at(int folder, std::string const& path, std::size_t limit);

/// Writes `text` with one write(2), as files of /proc and of cgroups want it.
Result<> write_text(UniqueFd const& file, std::string_view text);
/// Opens an existing file and writes to it. `text` is named in the error.
Result<> write_text_at(int folder, std::string const& path, std::string_view text);

/// Replaces or makes `path`: readers see the old or the new text, never a part.
Result<> replace_text_at(int folder, std::string const& path, std::string_view text);

}  // namespace bh::os
