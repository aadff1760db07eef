#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <map>
#include <vector>

#include "cli/machines.h"
#include "cli/table.h"
#include "image/json.h"
#include "machine/control/client.h"

namespace bh::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array kOptions{
    kMachineRootOption,
    kJsonOption,
    Option{"--no-stream", "", "Once"},
};

// CPU time is measured over this.
constexpr int kInterval = 1000;

struct Sample {
  std::uint64_t cpu = 0;
  std::uint64_t memory = 0;
  std::uint64_t limit = 0;
  std::uint64_t processes = 0;
  Clock::time_point time;
};

Result<Sample> sample(machine::Store const& machines, machine::Record const& record) {
  auto const answer = BH_TRY(machine::ask(machines, record, {{"do", "usage"}}));
  Sample sample{.time = Clock::now()};
  sample.cpu = BH_TRY(image::number_member(answer, "cpu"));
  sample.memory = BH_TRY(image::number_member(answer, "memory"));
  sample.limit = BH_TRY(image::number_member(answer, "memory_limit"));
  sample.processes = BH_TRY(image::number_member(answer, "processes"));
  return sample;
}

double cpu_percent(Sample const& before, Sample const& after) {
  auto const passed = std::chrono::duration<double, std::nano>(after.time - before.time).count();
  constexpr double kPercent = 100;
  return passed <= 0 || after.cpu < before.cpu
             ? 0
             : static_cast<double>(after.cpu - before.cpu) / passed * kPercent;
}

Result<std::vector<machine::Record>> chosen(machine::Store& machines, Options const& options) {
  std::vector<machine::Record> records;
  if (options.words().empty()) {
    records = BH_TRY(machines.all());
    std::erase_if(records, [](machine::Record const& record) { return !record.runs(); });
    return records;
  }
  for (auto const& word : options.words()) {
    auto record = BH_TRY(machines.find(word));
    records.push_back(std::move(record));
  }
  return records;
}

using Samples = std::map<std::string, Sample>;

Result<Samples> samples_of(machine::Store const& machines,
                           std::vector<machine::Record> const& records, bool named) {
  Samples samples;
  for (auto const& record : records) {
    auto const one = sample(machines, record);
    if (!one && named) return std::unexpected(about(record, one.error()));
    if (one) samples[record.id] = *one;
  }
  return samples;
}

void print(std::ostream& out, std::vector<machine::Record> const& records, Samples& before,
           Samples& after, bool json) {
  Table table{{"MACHINE ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "PIDS"}};
  boost::json::array array;
  for (auto const& record : records) {
    if (!after.contains(record.id)) continue;
    auto const& now = after[record.id];
    double const cpu = cpu_percent(before[record.id], now);
    auto const limit = now.limit == 0 ? "no limit" : docker_size(now.limit);
    table.add({record.id, record.name, fmt::format("{:.2f}%", cpu),
               docker_size(now.memory) + " / " + limit, std::to_string(now.processes)});
    array.push_back(boost::json::object{{"id", record.id},
                                        {"name", record.name},
                                        {"cpu_percent", cpu},
                                        {"cpu_nanoseconds", now.cpu},
                                        {"memory", now.memory},
                                        {"memory_limit", now.limit},
                                        {"processes", now.processes}});
  }
  if (json) {
    out << image::pretty(array) << std::flush;
  } else {
    table.print(out);
    out.flush();
  }
}

Result<int> stats(Context& context, Options const& options) {
  auto machines = BH_TRY(open_machines(options));
  bool const named = !options.words().empty();
  while (true) {
    auto const records = BH_TRY(chosen(machines, options));
    auto before = BH_TRY(samples_of(machines, records, named));
    ::poll(nullptr, 0, kInterval);
    auto after = BH_TRY(samples_of(machines, records, named));
    print(context.out, records, before, after, options.has("--json"));
    if (options.has("--no-stream") || !context.out) return 0;
  }
}

}  // namespace

constinit Command const kStats{
    .name = "stats",
    .usage = "stats [OPTION...] [MACHINE...]",
    .summary = "Show what running machines use, every second",
    .example = "bulkhead stats --no-stream web",
    .options = kOptions,
    .order = WordOrder::Mixed,
    .run = stats,
};

}  // namespace bh::cli
