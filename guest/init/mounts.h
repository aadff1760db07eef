#pragma once

#include "init/settings.h"

namespace bh::init {

/// The folder with the files that are mounted as secrets, or -1; while it is in reach.
int open_secrets();

/// Mounts what the settings name, making the folders for it where they are missing. False, having
/// said why on the console: a command that misses its data could take its absence for news.
bool mount_more(Settings const& settings, int secrets);

/// Makes the root read only, if the settings say so; what is mounted there stays as it is. The last
/// step before the command.
bool protect_root(Settings const& settings);

}  // namespace bh::init
