#pragma once

namespace bh::init {

/// Writes the tar of what is at `path` to standard output. False, having said why.
bool copy_out(char const* path, bool follow);

}  // namespace bh::init
