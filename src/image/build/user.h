#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace bh::image::build {

struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// "USER[:GROUP]", each a number or a name of the image's own /etc/passwd and /etc/group. A user
/// who is given alone has the group that passwd says, or 0.
Result<User> find_user(int root, std::string_view text);

}  // namespace bh::image::build
