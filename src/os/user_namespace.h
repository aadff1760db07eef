#pragma once

#include <functional>

#include "base/error.h"
#include "os/own_ids.h"

namespace bh::os {

/// This process becomes root of a user namespace of its own, with these ids: it may give files to
/// them, mount and make other namespaces. In a process of one thread.
Result<> enter_user_namespace(OwnIds const& ids);

/// Does something as such a root, in a process of its own that is waited for. Its errors are the
/// result. In a process of one thread.
Result<> as_own_root(std::function<Result<>()> const& action);

/// As remove_tree() (os/folder.h). Without root, what belongs to the user's other ids goes too: by
/// containers without root there are such files. In a process of one thread.
Result<> remove_foreign_tree(int folder, std::string const& path);

}  // namespace bh::os
