#include <array>
#include <filesystem>
#include <string>

#include "cli/image_options.h"
#include "cli/net.h"
#include "net/apply.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    Option{"--run", "DIR", "Where its own files are, instead of /run/bulkhead/net"},
};

Result<> apply_state(Options const& options, net::State const& state) {
  auto folder = std::string(options.value("--run"));
  if (folder.empty()) folder = "/run/bulkhead/net";
  BH_TRY(net::need_root());
  BH_TRY(net::check_host(state));
  // Nobody stays to hold them: whoever asks for one later gets it, and no clients.
  auto const held = BH_TRY(net::hold_ports(state));
  return net::apply([&] { return state; }, std::filesystem::absolute(folder).string());
}

Result<int> apply(Context& /*context*/, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "the file of a state, or -"));
  auto const state = BH_TRY(read_state(options.words()[0]));
  BH_TRY(apply_state(options, state));
  return 0;
}

Result<int> reconcile(Context& context, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "the file of a state, or -"));
  auto const state = BH_TRY(read_state(options.words()[0]));
  std::vector<std::string> gone;
  BH_TRY(apply_state(options, net::without_gone(state, gone)));
  for (auto const& machine : gone) context.out << machine << "\n";
  return 0;
}

Result<int> remove(Context& /*context*/, Options const& options) {
  BH_TRY(need_words(options, 0, 0, "options"));
  BH_TRY(apply_state(options, {}));
  return 0;
}

}  // namespace

constinit Command const kNetApply{
    .name = "apply",
    .usage = "net apply [OPTION...] FILE",
    .summary = "Make managed networks what a file says; needs root",
    .example = "bulkhead net apply networks.json",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = apply,
};

constinit Command const kNetReconcile{
    .name = "reconcile",
    .usage = "net reconcile [OPTION...] FILE",
    .summary = "The same without machines whose namespace is gone, which are shown",
    .example = "bulkhead net reconcile networks.json",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = reconcile,
};

constinit Command const kNetRemove{
    .name = "remove",
    .usage = "net remove [OPTION...]",
    .summary = "Remove all managed networks, with their devices and rules",
    .example = "bulkhead net remove",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = remove,
};

}  // namespace bh::cli
