#pragma once

#include "cli/command.h"

namespace bh::cli {

extern Command const kVersion;

}  // namespace bh::cli
