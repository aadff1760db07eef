#include "cli/volume.h"

#include <array>

namespace bh::cli {

namespace {

constexpr std::array kVolumeCommands{&kVolumeCreate, &kVolumeLs, &kVolumeInspect, &kVolumeRm,
                                     &kVolumePrune};

}  // namespace

constinit Command const kVolume{
    .name = "volume",
    .usage = "volume COMMAND ...",
    .summary = "Make, show and remove folders that outlive machines",
    .example = "bulkhead volume create data",
    .options = {},
    .commands = kVolumeCommands,
};

}  // namespace bh::cli
