#pragma once

#include <string>

#include "base/error.h"
#include "image/layer_entry.h"

namespace bh::image {

/// Whether this process may give its files to others: as root, unless of a user namespace that has
/// root's id alone.
bool may_give_files_away();

// What an entry says beside its content, given to a file. Owners only if `gives_away`.

/// To an open file: all there is.
Result<> set_all(int file, Entry const& entry, bool gives_away);
Result<> set_attributes(int file, Entry const& entry);
Result<> set_owner_mode_and_times(int file, Entry const& entry, bool gives_away);
/// To what cannot be opened: a link or a pipe, which keeps the mode it was made with.
Result<> set_owner_and_times(int folder, std::string const& name, Entry const& entry,
                             bool gives_away);

}  // namespace bh::image
