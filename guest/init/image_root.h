#pragma once

namespace bh::init {

/// Makes the image on the disk `device` the root file system, below a writable layer in memory; the
/// disk is only read. /dev must be mounted and moves along. False, having said why on the console.
bool enter_image_root(char const* device);

}  // namespace bh::init
