#pragma once

#include "cli/command.h"

namespace bh::cli {

extern Command const kImage;

extern Command const kImageBootstrap;
extern Command const kImageBuild;
extern Command const kImageImport;
extern Command const kImageInspect;
extern Command const kImageLoad;
extern Command const kImageLs;
extern Command const kImagePrune;
extern Command const kImagePull;
extern Command const kImagePush;
extern Command const kImageRm;
extern Command const kImageSave;
extern Command const kImageTag;
extern Command const kImageUnpack;

}  // namespace bh::cli
