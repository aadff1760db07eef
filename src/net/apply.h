#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "net/state.h"

namespace bh::net {

/// Makes the managed networks of this process's network namespace what `state` says, and takes away
/// what it does not name: devices, addresses, rules. What is right already stays, with its
/// connections. Needs root.
///
/// Who is killed on the way leaves nothing open, and the next call makes it right. One at a time:
/// in `folder` (an absolute path that others may read) there is a lock, and what name servers need.
Result<> apply(State const& state, std::string const& folder);

/// The state without attachments whose namespace is gone. `gone` are the machines left out.
State without_gone(State const& state, std::vector<std::string>& gone);

}  // namespace bh::net
