#include "container/state.h"

#include <charconv>
#include <cstdio>
#include <ctime>

#include "container/json/document.h"
#include "container/json/writer.h"

namespace bh::jail {

Result<> decode(container::Json json, Cgroup::Folder& out) {
  BH_TRY(container::required_member(json, "unified", out.unified));
  BH_TRY(container::required_member(json, "controllers", out.controllers));
  return container::required_member(json, "path", out.path);
}

}  // namespace bh::jail

namespace bh::container {

std::string_view status_name(Status status) {
  switch (status) {
    case Status::Creating: return "creating";
    case Status::Created: return "created";
    case Status::Running: return "running";
    case Status::Paused: return "paused";
    case Status::Stopped: return "stopped";
  }
  return "unknown";
}

std::string State::text() const {
  JsonWriter json;
  json.open('{').name("ociVersion").text(version).name("id").text(id).name("pid").number(pid);
  json.name("startTime").natural(start_time).name("bundle").text(bundle);
  json.name("rootfs").text(rootfs).name("created").text(created).name("owner").natural(owner);
  json.name("terminal").boolean(terminal).name("cgroup").open('[');
  for (auto const& folder : cgroup) {
    json.open('{').name("unified").boolean(folder.unified).name("controllers");
    json.texts(folder.controllers).name("path").text(folder.path).close('}');
  }
  json.close(']').name("unit").text(unit).name("annotations").open('{');
  for (auto const& [key, value] : annotations) json.name(key).text(value);
  json.close('}').close('}');
  return json.str();
}

Result<State> State::parse(std::string_view text) {
  auto const document = BH_TRY(Document::parse(text));
  auto const json = document.root();
  State state;
  BH_TRY(required_member(json, "ociVersion", state.version));
  BH_TRY(required_member(json, "id", state.id));
  BH_TRY(required_member(json, "pid", state.pid));
  BH_TRY(required_member(json, "startTime", state.start_time));
  BH_TRY(required_member(json, "bundle", state.bundle));
  BH_TRY(required_member(json, "rootfs", state.rootfs));
  BH_TRY(required_member(json, "created", state.created));
  BH_TRY(required_member(json, "owner", state.owner));
  BH_TRY(required_member(json, "terminal", state.terminal));
  BH_TRY(required_member(json, "cgroup", state.cgroup));
  BH_TRY(optional_member(json, "unit", state.unit));
  BH_TRY(required_member(json, "annotations", state.annotations));
  return state;
}

std::string state_json(State const& state, Status status) {
  JsonWriter json;
  json.open('{').name("ociVersion").text(state.version).name("id").text(state.id);
  json.name("status").text(status_name(status));
  json.name("pid").number(status == Status::Stopped ? 0 : state.pid);
  json.name("bundle").text(state.bundle).name("rootfs").text(state.rootfs);
  json.name("created").text(state.created).name("owner").text(state.owner == 0 ? "root" : "");
  json.name("annotations").open('{');
  for (auto const& [key, value] : state.annotations) json.name(key).text(value);
  json.close('}').close('}');
  return json.str();
}

Result<ProcessTimes> process_times(jail::ProcDir const& proc, pid_t pid) {
  auto const text = BH_TRY(proc.read(std::to_string(pid) + "/stat"));
  // The name before it may hold anything, blanks and brackets too.
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.rfind(')') + 2, rest.size()));
  ProcessTimes times{.zombie = rest.starts_with('Z') || rest.starts_with('X')};
  constexpr int kFieldsBetween = 22 - 3;
  for (int i = 0; i < kFieldsBetween; ++i) {
    auto const blank = rest.find(' ');
    rest.remove_prefix(blank == rest.npos ? rest.size() : blank + 1);
  }
  std::from_chars(rest.data(), rest.data() + rest.size(), times.start_time);
  return times;
}

std::string timestamp() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char text[64];
  std::size_t const size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char rest[16];
  std::snprintf(rest, sizeof rest, ".%09ldZ", now.tv_nsec);
  return std::string(text, size) + rest;
}

}  // namespace bh::container
