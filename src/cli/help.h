#pragma once

#include "cli/command.h"

namespace bh::cli {

extern Command const kHelp;

}  // namespace bh::cli
