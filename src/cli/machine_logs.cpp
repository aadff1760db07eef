#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <charconv>
#include <deque>
#include <optional>

#include "cli/machines.h"
#include "machine/control/log_reader.h"
#include "machine/supervise/files.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    Option{"--follow", "", "Go on until the machine ends", "-f"},
    Option{"--tail", "N", "Only the last N lines", "-n"},
    Option{"--timestamps", "", "With the time of each line", "-t"},
};

void print(machine::LogLine const& line, bool timestamps) {
  auto* const file = line.stream == machine::Stream::Output ? stdout : stderr;
  if (timestamps && line.starts) fmt::print(file, "{} ", line.time);
  fmt::print(file, "{}{}", line.text, line.ends ? "\n" : "");
  std::fflush(file);
}

Result<std::optional<std::size_t>> tail_of(Options const& options) {
  if (!options.has("--tail") || options.value("--tail") == "all") return std::nullopt;
  auto const text = options.value("--tail");
  std::size_t count = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Errc::Invalid, fmt::format("--tail \"{}\": must be a number, or all", text));
  }
  return count;
}

Result<int> logs(Context& /*context*/, Options const& options) {
  BH_TRY(need_words(options, 1, 1, "one MACHINE"));
  auto const tail = BH_TRY(tail_of(options));
  auto machines = BH_TRY(open_machines(options));
  auto const record = BH_TRY(machines.find(options.words()[0]));
  machine::LogReader reader(machines.folder_of(record.id) + "/" + machine::kConsoleLog);
  bool const timestamps = options.has("--timestamps");
  std::deque<machine::LogLine> last;
  BH_TRY(reader.read([&](machine::LogLine const& line) {
    last.push_back(line);
    if (tail && last.size() > *tail) last.pop_front();
  }));
  for (auto const& line : last) print(line, timestamps);
  while (options.has("--follow")) {
    // Before the rest is read, so that nothing is missed.
    auto const now = machines.find(record.id);
    BH_TRY(reader.read([&](machine::LogLine const& line) { print(line, timestamps); }));
    if (!now || !now->supervisor) break;
    constexpr int kPause = 50;
    ::poll(nullptr, 0, kPause);
  }
  return 0;
}

}  // namespace

constinit Command const kLogs{
    .name = "logs",
    .usage = "logs [OPTION...] MACHINE",
    .summary = "Show what a machine has printed",
    .example = "bulkhead logs --follow --tail 20 web",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = logs,
};

}  // namespace bh::cli
