#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/machines.h"

namespace bh::cli {

namespace {

constexpr std::array kOptions{
    kMachineRootOption,
    Option{"--json", "", "A JSON object a line"},
    Option{"--all", "", "First what has happened already", "-a"},
    Option{"--no-stream", "", "Only what has happened already"},
};

std::string text_of(machine::Event const& event, bool json) {
  if (json) {
    return boost::json::serialize(boost::json::object{{"time", machine::rfc3339(event.time)},
                                                      {"action", event.action},
                                                      {"id", event.machine},
                                                      {"name", event.name},
                                                      {"detail", event.detail}});
  }
  auto const detail = event.detail.empty() ? "" : fmt::format(", {}", event.detail);
  return fmt::format("{} machine {} {} (name={}{})", machine::rfc3339(event.time), event.action,
                     event.machine, event.name, detail);
}

Result<int> events(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 0, "no words"));
  auto machines = BH_TRY(open_machines(options));
  bool const once = options.has("--no-stream");
  bool past = once || options.has("--all");
  std::int64_t last = 0;
  while (context.out) {
    auto const news = BH_TRY(machines.events_after(last));
    for (auto const& event : news) {
      last = event.number;
      if (past) context.out << text_of(event, options.has("--json")) << "\n";
    }
    context.out.flush();
    if (once) break;
    past = true;
    constexpr int kPause = 100;
    ::poll(nullptr, 0, kPause);
  }
  return 0;
}

}  // namespace

constinit Command const kEvents{
    .name = "events",
    .usage = "events [OPTION...]",
    .summary = "Show what happens to machines, as it happens",
    .example = "bulkhead events --all --no-stream --json",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = events,
};

}  // namespace bh::cli
