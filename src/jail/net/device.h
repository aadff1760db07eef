#pragma once

#include <string>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// Moves the network device `name` of this process's network namespace into the one that
/// `target` refers to, where it is called `new_name`, has the permanent addresses of global scope
/// that it had, and is up. What was done is undone when a part of it fails.
Result<> move_net_device(std::string const& name, os::UniqueFd const& target,
                         std::string const& new_name);

/// Moves it back, down and without addresses.
Result<> return_net_device(os::UniqueFd const& from, std::string const& new_name,
                           std::string const& name);

}  // namespace bh::jail
