#pragma once

#include "cli/command.h"

namespace bh::cli {

extern Command const kRun;

}  // namespace bh::cli
