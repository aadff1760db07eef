#pragma once

#include <string>

#include "base/error.h"
#include "image/layer_entry.h"

namespace bh::image {

// What an entry says beside its content, given to a file. Owners only if `as_root`.

/// To an open file: all there is.
Result<> set_all(int file, Entry const& entry, bool as_root);
Result<> set_attributes(int file, Entry const& entry);
Result<> set_owner_mode_and_times(int file, Entry const& entry, bool as_root);
/// To what cannot be opened: a link or a pipe, which keeps the mode it was made with.
Result<> set_owner_and_times(int folder, std::string const& name, Entry const& entry, bool as_root);

}  // namespace bh::image
