#pragma once

namespace bh::init {

/// From now on processes whose parent ends are ours, if they descend from us.
void adopt_descendants();

/// Kills and reaps all processes that descend from us, whatever they think of signals.
void end_descendants();

}  // namespace bh::init
