#include <poll.h>

#include <cstdint>
#include <string>

#include "container/cli/command.h"
#include "container/json/writer.h"
#include "container/output.h"
#include "container/stats.h"

namespace bh::container {

namespace {

constexpr Option kOptions[] = {{"stats", 0, false}, {"interval"}, {"help", 'h', false}};

std::string event(std::string_view type, std::string const& id, std::string_view data) {
  JsonWriter json;
  json.open('{').name("type").text(type).name("id").text(id);
  if (!data.empty()) json.name("data").raw(data);
  return json.close('}').str() + "\n";
}

/// "5s", "250ms" or "2": milliseconds.
Result<int> parse_interval(std::string const& text) {
  int value = 0;
  std::size_t at = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9' && value < 1'000'000) {
    value = value * 10 + (text[at++] - '0');
  }
  auto const unit = text.substr(at);
  if (at == 0 || value == 0 || (unit != "" && unit != "s" && unit != "ms")) {
    return fail(Errc::Invalid, "--interval: \"" + text + "\" is no time such as 5s or 250ms");
  }
  return unit == "ms" ? value : value * 1000;
}

Result<int> events(Invocation invocation) {
  auto const id = BH_TRY(invocation.id());
  auto const folder = BH_TRY(invocation.store.find(id));
  auto const state = BH_TRY(folder.state());
  auto const group = jail::Cgroup::existing(state.cgroup);
  if (status_of(invocation.proc, folder, state) == Status::Stopped) {
    return fail(Errc::NotFound, "container not running");
  }
  if (invocation.arguments.has("stats")) {
    BH_TRY(print(event("stats", id, stats_json(group))));
    return 0;
  }
  int const interval = BH_TRY(parse_interval(invocation.arguments.value_or("interval", "5s")));
  auto killed = group.oom_kills();
  while (status_of(invocation.proc, folder, state) != Status::Stopped) {
    BH_TRY(print(event("stats", id, stats_json(group))));
    ::poll(nullptr, 0, interval);
    auto const now = group.oom_kills();
    if (now > killed) BH_TRY(print(event("oom", id, "")));
    killed = now;
  }
  return 0;
}

}  // namespace

Command const kEventsCommand = {.name = "events",
                                .words = "ID",
                                .help = "print statistics and OOM events as JSON, again and again",
                                .example = "bulkhead-oci events --stats web",
                                .options = kOptions,
                                .run = events};

}  // namespace bh::container
