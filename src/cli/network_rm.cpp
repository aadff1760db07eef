#include <fmt/format.h>

#include <array>

#include "cli/machines.h"
#include "cli/network.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    Option{"--force", "", "No complaint about those that are not there", "-f"},
};

Result<int> rm(Context& context, Options const& options) {
  if (options.words().empty()) {
    return fail(Errc::Invalid, "NETWORK... expected (`bulkhead network ls` lists them)");
  }
  auto machines = BH_TRY(open_machines(options));
  int status = 0;
  for (auto const& word : options.words()) {
    auto const removed = machines.remove_network(word);
    if (removed) {
      context.out << word << "\n";
    } else if (!options.has("--force") || removed.error().code != Errc::NotFound) {
      fmt::print(stderr, "bulkhead: {}\n", removed.error().message);
      status = 1;
    }
  }
  return status;
}

}  // namespace

constinit Command const kNetworkRm{
    .name = "rm",
    .usage = "network rm [OPTION...] NETWORK...",
    .summary = "Remove networks that no machine is in",
    .example = "bulkhead network rm front",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = rm,
};

}  // namespace bh::cli
