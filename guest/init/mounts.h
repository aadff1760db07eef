#pragma once

#include "init/settings.h"

namespace bh::init {

/// Mounts what the settings name, making the folders for it where they are missing. False, having
/// said why on the console: a command that misses its data could take its absence for news.
bool mount_more(Settings const& settings);

/// Makes the root read only, if the settings say so; what is mounted there stays as it is. The last
/// step before the command.
bool protect_root(Settings const& settings);

}  // namespace bh::init
