#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::jail {

/// What is done with the files of one folder of control groups.

/// cpuset of v1 starts empty, and nothing may enter until it has what its parent has.
Result<> inherit_cpuset(std::string const& folder);
/// Lets the groups below `folder` have every controller it has itself (v2). What cannot be enabled
/// is missed when a limit needs it.
void enable_controllers(std::string const& folder);

Result<> freeze_v1(std::string const& folder);
/// Waits until every process has stopped.
Result<> freeze_v2(std::string const& folder);

/// The processes of the group and of those below.
Result<> collect_processes(std::string const& folder, std::vector<pid_t>& out);
/// Removes the group and those below. A process that is ending holds its group for a moment: this
/// waits for it.
Result<> remove_group(std::string const& folder);

/// The number after `key` in lines of "key number"; 0 if there is none.
std::uint64_t keyed_number(std::string_view text, std::string_view key);

}  // namespace bh::jail
