#pragma once

#include "cli/command.h"

namespace bh::cli {

extern Command const kNetwork;

extern Command const kNetworkCreate;
extern Command const kNetworkInspect;
extern Command const kNetworkLs;
extern Command const kNetworkRm;

}  // namespace bh::cli
