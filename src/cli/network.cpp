#include "cli/network.h"

#include <array>

namespace bh::cli {

namespace {

constexpr std::array kNetworkCommands{&kNetworkCreate, &kNetworkLs, &kNetworkInspect, &kNetworkRm};

}  // namespace

constinit Command const kNetwork{
    .name = "network",
    .usage = "network COMMAND ...",
    .summary = "Make, show and remove networks that machines join",
    .example = "bulkhead network create --names front",
    .options = {},
    .commands = kNetworkCommands,
};

}  // namespace bh::cli
