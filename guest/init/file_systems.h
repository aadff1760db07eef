#pragma once

namespace bh::init {

/// Mounts devtmpfs on /dev, which everything else here needs first. Says what failed and goes on.
void mount_devices();

enum class Root : unsigned char { Initramfs, Image };

/// Mounts /proc /sys /dev/pts /dev/shm /run /tmp, making the folders where they are missing, and
/// the names in /dev that shells expect. Says what failed and goes on: a machine with half of them
/// can still tell its owner more than a dead one. What an image has in /run and /tmp stays there.
void mount_file_systems(Root root);

}  // namespace bh::init
