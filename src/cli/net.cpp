#include "cli/net.h"

#include <fcntl.h>

#include <array>

#include "net/state_json.h"
#include "os/text_file.h"

namespace bh::cli {

namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 20;

constexpr std::array kNetCommands{&kNetApply, &kNetReconcile, &kNetRemove, &kNetExplain,
                                  &kNetRules};

}  // namespace

Result<net::State> read_state(std::string const& path) {
  auto const text =
      BH_TRY(os::read_text_at(AT_FDCWD, path == "-" ? "/dev/stdin" : path, kMostBytes));
  auto state = net::parse_state(text);
  if (!state) return std::unexpected(std::move(state).error().while_doing(path));
  return state;
}

constinit Command const kNet{
    .name = "net",
    .usage = "net COMMAND ...",
    .summary = "Say what managed networks let through; make them of a file",
    .example = "bulkhead net explain web db:5432",
    .options = {},
    .commands = kNetCommands,
};

}  // namespace bh::cli
