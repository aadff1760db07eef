#include "cli/machines.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "machine/control/reconcile.h"
#include "machine/control/terminal.h"

namespace bh::cli {

Result<machine::Store> open_machines(Options const& options) {
  auto const root = options.value("--root");
  auto machines =
      BH_TRY(machine::Store::open(root.empty() ? image::Store::default_root() : std::string(root)));
  BH_TRY(machine::reconcile(machines));
  return machines;
}

Error about(machine::Record const& record, Error error) {
  if (error.message.find(record.name) != std::string::npos) return error;
  return std::move(error).while_doing("machine " + record.name);
}

Result<int> for_each_machine(
    Options const& options,
    std::function<Result<>(machine::Store&, machine::Record const&)> const& action) {
  if (options.words().empty()) {
    return fail(Errc::Invalid, "MACHINE... expected (`bulkhead ps -a` lists them)");
  }
  auto machines = BH_TRY(open_machines(options));
  int status = 0;
  for (auto const& word : options.words()) {
    auto const record = machines.find(word);
    auto const done = record ? action(machines, *record) : std::unexpected(record.error());
    if (done) continue;
    auto const error = record ? about(*record, done.error()) : done.error();
    fmt::print(stderr, "bulkhead: {}\n", error.message);
    status = 1;
  }
  return status;
}

Result<int> cannot_start(Error const& error) {
  constexpr int kNotExecutable = 126;
  constexpr int kNotFound = 127;
  bool const about_command = error.message.starts_with("exec ");
  if (!about_command) return std::unexpected(error);
  fmt::print(stderr, "bulkhead: {}\n", error.message);
  return error.code == Errc::NotFound ? kNotFound : kNotExecutable;
}

Result<int> start_attached(machine::Store& machines, machine::Record const& record, bool input) {
  BH_TRY(machine::start_supervisor(machines.root(), record.id, machine::Start::WhenAttached));
  auto const started = BH_TRY(machines.find(record.id));
  auto connection = BH_TRY(machine::Connection::open(machines, started));
  bool const terminal = record.definition.terminal;
  bool const passes_input = input && record.definition.keep_input;
  auto const size = terminal ? machine::window_size(STDIN_FILENO) : machine::wire::WindowSize{};
  auto const attached = connection.ask({{"do", "attach"},
                                        {"start", true},
                                        {"input", passes_input},
                                        {"ends_input", true},
                                        {"rows", size.rows},
                                        {"columns", size.columns}});
  if (!attached) return cannot_start(attached.error());
  auto const status = BH_TRY(machine::converse(
      connection, {.terminal = terminal, .input = passes_input, .pass_signals = !terminal}));
  return status.value_or(0);
}

Result<> stop_machine(machine::Store& machines, machine::Record const& record,
                      Options const& options) {
  if (!record.supervisor) return {};
  std::uint64_t seconds = 10;
  if (options.has("--time")) {
    auto const text = options.value("--time");
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    constexpr std::uint64_t kMost = 86'400;
    if (error != std::errc() || end != text.data() + text.size() || seconds > kMost) {
      return fail(Errc::Invalid,
                  fmt::format("--time \"{}\": must be a number of seconds, 0 to {}", text, kMost));
    }
  }
  auto const stopped =
      machine::ask(machines, record, {{"do", "stop"}, {"milliseconds", seconds * 1000}});
  if (stopped) return {};
  // It may just have been leaving.
  auto const left = machines.find(record.id);
  if (left && left->supervisor) return std::unexpected(stopped.error());
  return {};
}

}  // namespace bh::cli
