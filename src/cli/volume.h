#pragma once

#include "cli/command.h"

namespace bh::cli {

extern Command const kVolume;
// Its commands.
extern Command const kVolumeCreate, kVolumeLs, kVolumeInspect, kVolumeRm, kVolumePrune;

}  // namespace bh::cli
