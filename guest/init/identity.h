#pragma once

#include <string_view>

namespace bh::init {

/// Makes this process, which has no memory of another user's, run as "USER[:GROUP]" of /etc/passwd
/// and /etc/group, with HOME as passwd has it unless the environment says. False, having said why
/// on the console.
bool become(std::string_view user);

}  // namespace bh::init
