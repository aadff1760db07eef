#pragma once

#include "base/error.h"

namespace bh::container {

/// Copies what is in the folder `from` into the folder `to`: folders, files, links, with owners,
/// modes and times. Other kinds of files are left out.
Result<> copy_up(int from, int to);

}  // namespace bh::container
