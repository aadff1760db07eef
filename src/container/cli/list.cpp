#include <algorithm>
#include <string>

#include "container/cli/command.h"
#include "container/json/writer.h"
#include "container/output.h"

namespace bh::container {

namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text + "  ";
}

Result<int> list(Invocation invocation) {
  auto const& arguments = invocation.arguments;
  auto ids = BH_TRY(invocation.store.ids());
  std::ranges::sort(ids);
  bool const json = arguments.value_or("format", "table") == "json";
  std::string table = padded("ID", 16) + padded("PID", 8) + padded("STATUS", 8) +
                      padded("BUNDLE", 24) + "CREATED\n";
  JsonWriter array;
  array.open('[');
  for (auto const& id : ids) {
    auto const folder = invocation.store.find(id);
    auto const state = folder ? folder->state() : fail(Errc::NotFound, "");
    // Another call may be removing it just now.
    if (!state) continue;
    auto const status = status_of(invocation.proc, *folder, *state);
    if (arguments.has("quiet")) {
      BH_TRY(print(id + "\n"));
      continue;
    }
    array.raw(state_json(*state, status));
    auto const pid = status == Status::Stopped ? 0 : state->pid;
    table += padded(id, 16) + padded(std::to_string(pid), 8) +
             padded(std::string(status_name(status)), 8) + padded(state->bundle, 24) +
             state->created + "\n";
  }
  array.close(']');
  if (!arguments.has("quiet")) BH_TRY(print(json ? array.str() + "\n" : table));
  return 0;
}

/// The command line of a process, or its name in brackets.
std::string command_of(jail::ProcDir const& proc, pid_t pid) {
  auto line = proc.read(std::to_string(pid) + "/cmdline");
  if (line && !line->empty()) {
    std::ranges::replace(*line, '\0', ' ');
    return *line;
  }
  auto name = proc.read(std::to_string(pid) + "/comm");
  if (!name) return "?";
  std::erase(*name, '\n');
  return "[" + *name + "]";
}

Result<int> ps(Invocation invocation) {
  auto const id = BH_TRY(invocation.id());
  auto const folder = BH_TRY(invocation.store.find(id));
  auto const state = BH_TRY(folder.state());
  auto const pids = BH_TRY(jail::Cgroup::existing(state.cgroup).processes());
  if (invocation.arguments.value_or("format", "table") == "json") {
    JsonWriter json;
    json.open('[');
    for (auto const pid : pids) json.number(pid);
    BH_TRY(print(json.close(']').str() + "\n"));
    return 0;
  }
  std::string table = padded("PID", 8) + "CMD\n";
  for (auto const pid : pids) {
    table += padded(std::to_string(pid), 8) + command_of(invocation.proc, pid) + "\n";
  }
  BH_TRY(print(table));
  return 0;
}

constexpr Option kList[] = {{"format", 'f'}, {"quiet", 'q', false}, {"help", 'h', false}};
constexpr Option kPs[] = {{"format", 'f'}, {"help", 'h', false}};

}  // namespace

Command const kListCommand = {.name = "list",
                              .words = "",
                              .help = "show the containers of --root",
                              .example = "bulkhead-oci list --quiet",
                              .options = kList,
                              .run = list};
Command const kPsCommand = {.name = "ps",
                            .words = "ID",
                            .help = "show the processes of a container",
                            .example = "bulkhead-oci ps --format json web",
                            .options = kPs,
                            .most_words = 8,
                            .run = ps};

}  // namespace bh::container
