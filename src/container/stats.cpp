#include "container/stats.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "container/json/writer.h"
#include "jail/cgroup/files.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

using Folder = jail::Cgroup::Folder;

constexpr std::size_t kFileLimit = std::size_t{1024} * 1024;

std::string text_of(Folder const& folder, std::string const& file) {
  return os::read_text_at(AT_FDCWD, folder.path + "/" + file, kFileLimit).value_or("");
}

/// "max" is no number.
std::optional<std::uint64_t> number_of(Folder const& folder, std::string const& file) {
  auto const text = text_of(folder, file);
  std::uint64_t number = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc()) return std::nullopt;
  return number;
}

void add(JsonWriter& json, char const* name, std::optional<std::uint64_t> value) {
  if (value) json.name(name).natural(*value);
}

void write_cpu(JsonWriter& json, jail::Cgroup const& group) {
  json.name("cpu").open('{').name("usage").open('{');
  if (auto const* const folder = group.legacy("cpuacct")) {
    add(json, "total", number_of(*folder, "cpuacct.usage"));
    add(json, "user", number_of(*folder, "cpuacct.usage_user"));
    add(json, "kernel", number_of(*folder, "cpuacct.usage_sys"));
  } else if (auto const* const unified = group.unified()) {
    auto const text = text_of(*unified, "cpu.stat");
    json.name("total").natural(jail::keyed_number(text, "usage_usec") * 1000);
    json.name("user").natural(jail::keyed_number(text, "user_usec") * 1000);
    json.name("kernel").natural(jail::keyed_number(text, "system_usec") * 1000);
  }
  json.close('}').name("throttling").open('{');
  if (auto const* const folder = group.with("cpu")) {
    auto const text = text_of(*folder, "cpu.stat");
    json.name("periods").natural(jail::keyed_number(text, "nr_periods"));
    json.name("throttledPeriods").natural(jail::keyed_number(text, "nr_throttled"));
    json.name("throttledTime")
        .natural(folder->unified ? jail::keyed_number(text, "throttled_usec") * 1000
                                 : jail::keyed_number(text, "throttled_time"));
  }
  json.close('}').close('}');
}

void write_swap(JsonWriter& json, Folder const& folder) {
  bool const v2 = folder.unified;
  json.name("swap").open('{');
  add(json, "usage", number_of(folder, v2 ? "memory.swap.current" : "memory.memsw.usage_in_bytes"));
  add(json, "limit", number_of(folder, v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes"));
  json.close('}');
}

void write_memory(JsonWriter& json, jail::Cgroup const& group) {
  auto const* const folder = group.with("memory");
  if (folder == nullptr) return;
  bool const v2 = folder->unified;
  json.name("memory").open('{').name("usage").open('{');
  add(json, "usage", number_of(*folder, v2 ? "memory.current" : "memory.usage_in_bytes"));
  add(json, "limit", number_of(*folder, v2 ? "memory.max" : "memory.limit_in_bytes"));
  add(json, "max", number_of(*folder, v2 ? "memory.peak" : "memory.max_usage_in_bytes"));
  if (!v2) add(json, "failcnt", number_of(*folder, "memory.failcnt"));
  json.close('}');
  write_swap(json, *folder);
  json.name("oomKills").natural(group.oom_kills()).name("raw").open('{');
  auto const text = text_of(*folder, "memory.stat");
  std::string_view rest = text;
  while (!rest.empty()) {
    auto const line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    auto const blank = line.find(' ');
    if (blank != line.npos) json.name(line.substr(0, blank)).raw(line.substr(blank + 1));
  }
  json.close('}').close('}');
}

void write_pids(JsonWriter& json, jail::Cgroup const& group) {
  auto const* const folder = group.with("pids");
  if (folder == nullptr) return;
  json.name("pids").open('{');
  add(json, "current", number_of(*folder, "pids.current"));
  add(json, "limit", number_of(*folder, "pids.max"));
  json.close('}');
}

/// Bytes and operations per device: "8:0 rbytes=1 wbytes=2 rios=3 ..." in v2, "8:0 Read 1" in v1.
void write_block(JsonWriter& json, jail::Cgroup const& group) {
  auto const* const v1 = group.legacy("blkio");
  auto const* const folder = v1 != nullptr ? v1 : group.unified();
  if (folder == nullptr) return;
  auto const text =
      text_of(*folder, v1 != nullptr ? "blkio.throttle.io_service_bytes_recursive" : "io.stat");
  json.name("blkio").open('{').name("raw").open('[');
  std::string_view rest = text;
  while (!rest.empty()) {
    auto const line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.empty()) json.text(line);
  }
  json.close(']').close('}');
}

}  // namespace

std::string stats_json(jail::Cgroup const& group) {
  JsonWriter json;
  json.open('{');
  write_cpu(json, group);
  write_memory(json, group);
  write_pids(json, group);
  write_block(json, group);
  return json.close('}').str();
}

}  // namespace bh::container
