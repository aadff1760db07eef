#include "cli/image.h"

#include <array>

namespace bh::cli {

namespace {

constexpr std::array kImageCommands{
    &kImageLs,   &kImagePull,  &kImagePush,   &kImageBuild, &kImageBootstrap,
    &kImageLoad, &kImageSave,  &kImageImport, &kImageTag,   &kImageInspect,
    &kImageRm,   &kImagePrune, &kImageUnpack,
};

}  // namespace

constinit Command const kImage{
    .name = "image",
    .usage = "image COMMAND ...",
    .summary = "Fetch, make, show and remove images",
    .example = "bulkhead image pull debian:12",
    .options = {},
    .commands = kImageCommands,
};

}  // namespace bh::cli
