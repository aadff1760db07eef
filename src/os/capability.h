#pragma once

namespace bh::os {

/// Whether the calling process has the capability of that number in its effective set.
bool has_capability(unsigned number);

}  // namespace bh::os
