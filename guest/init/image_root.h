#pragma once

namespace bh::init {

/// Makes the image on the disk `device` the root file system, below a writable layer on the ext4
/// disk `writable` or, if that is null, in memory; the image is only read. /dev must be mounted and
/// moves along. False, having said why on the console. `written` is then a folder with what was
/// written to the layer, as overlayfs keeps it.
bool enter_image_root(char const* device, char const* writable, int& written);

}  // namespace bh::init
